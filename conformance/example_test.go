package conformance_test

import (
	"context"
	"fmt"
	"os"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

// A tenant of one's own is held to the contract. Here it is the fake one; for a
// sandbox, take its credentials and the address of its zone.
func ExampleRun() {
	srv := autotasktest.Start()
	defer srv.Close()
	for range 3 {
		ticket := srv.Seed("Tickets", nil)
		srv.Seed("TimeEntries", map[string]any{"ticketID": ticket})
	}

	report, err := conformance.Run(context.Background(), conformance.Tenant{
		Credentials: srv.Credentials(),
		BaseURL:     srv.BaseURL(),
	}, conformance.Options{
		Write:     true, // one ticket, resolved in the end
		CompanyID: autotasktest.CustomerID,
		OnCheck: func(r conformance.Result) {
			if r.Section == "contract 5" {
				fmt.Printf("%s: %s: %s\n", r.Outcome, r.ID, r.Title)
			}
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Println("failed:", report.Failed())
	fmt.Println("resolved:", report.Ticket.Resolved)
	// Output:
	// answered: question/5/eight: Does status 8 set completedDate and resolvedDateTime?
	// passed: contract/5/five: Status 5 sets completedDate and resolvedDateTime
	// failed: 0
	// resolved: true
}

func ExampleChecks() {
	for _, c := range conformance.Checks() {
		if c.Section == "contract 2.1" {
			fmt.Println(c.ID)
			fmt.Println("  asks:   ", c.Asks)
			fmt.Println("  expects:", c.Expects)
		}
	}
	// Output:
	// contract/2.1/item
	//   asks:    GET Tickets/{id}
	//   expects: {"item":{…}}, with issueType, subIssueType and source in it
	// contract/2.1/fields
	//   asks:    GET Tickets/{id}
	//   expects: all sixteen, null or not
}
