package alert_test

import (
	"context"
	"fmt"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

func Example() {
	srv := autotasktest.Start()
	defer srv.Close()
	client, ctx := srv.Client(), context.Background()

	report := func(run string) {
		out, err := alert.Upsert(ctx, client, alert.Alert{
			CompanyID: autotasktest.CustomerID, Key: "backup/MAIL-02/nightly", Event: run, At: time.Now(),
			Title: "Backup failed: MAIL-02", Text: "VSS writer timed out.",
			Ticket: func(t *autotask.Ticket) { t.Priority = 1 },
			Note:   autotask.TicketNote{NoteType: 1, Publish: 2},
		}, alert.Policy{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: created %t, noted %t\n", run, out.Created, out.Noted)
	}
	report("run-1")
	report("run-2")
	report("run-2") // the queue delivers it again

	out, err := alert.Clear(ctx, client, autotasktest.CustomerID, "backup/MAIL-02/nightly", autotask.Resolution{
		Text: "The backup succeeded.", Status: autotask.StatusComplete,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("cleared", out.Cleared)
	fmt.Println(len(srv.Rows("Tickets")), "ticket,", len(srv.Rows("TicketNotes")), "note")
	// Output:
	// run-1: created true, noted false
	// run-2: created false, noted true
	// run-2: created false, noted true
	// cleared true
	// 1 ticket, 1 note
}

func ExampleFindCompany() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.Seed("Companies", map[string]any{"companyName": "Acme Ltd", "webAddress": "https://www.acme.example"})

	_, err := alert.FindCompany(context.Background(), srv.Client(), "backup@acme.example")
	fmt.Println(err)
	_, err = alert.FindCompany(context.Background(), srv.Client(), "acme")
	fmt.Println(err)
	// Output:
	// <nil>
	// alert: autotask: not found: no active company has the name, the domain or a contact with the mail address "acme"
}
