package autotasktest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// A ticket is resolved, and the tenant shows what was asked of it and what came
// of it.
func Example() {
	srv := autotasktest.Start() // in a test: autotasktest.NewServer(t)
	defer srv.Close()
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed"})

	_, err := srv.Client().Resolve(context.Background(), id, autotask.Resolution{
		Text:   "The second run went through.",
		Note:   &autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2},
		Status: autotask.StatusComplete,
	})
	fmt.Println(err)

	ticket := srv.Get("Tickets", id)
	fmt.Println(ticket["title"], ticket["status"], ticket["completedDate"] != nil)
	for _, note := range srv.Rows("TicketNotes") {
		fmt.Println(note["title"], note["publish"])
	}
	// Output:
	// <nil>
	// Backup failed 5 true
	// Checked 2
}

// The note is created, but the answer is lost. The client finds out, and does
// not post it again.
func ExampleServer_Inject() {
	srv := autotasktest.Start()
	defer srv.Close()
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", DropResponse: true})

	_, err := srv.Client().Notes.Create(context.Background(), id,
		&autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2})
	fmt.Println(err)
	fmt.Println(len(srv.Rows("TicketNotes")), "note,", srv.PendingFaults(), "faults pending")
	// Output:
	// <nil>
	// 1 note, 0 faults pending
}

// Requests lists what a client asked for, without the ids and the credentials.
func ExampleServer_Requests() {
	srv := autotasktest.Start()
	defer srv.Close()
	id := srv.Seed("Tickets", nil)

	_, err := srv.Client().Tickets.Update(context.Background(), id, func(t *autotask.Ticket) error {
		t.Priority = 1
		return nil
	})
	fmt.Println(err)
	for _, r := range srv.Requests() {
		fmt.Println(r.Op, r.Status, r.Header.Get("Secret"))
	}
	// Output:
	// <nil>
	// GET Tickets 200 REDACTED
	// PUT Tickets 200 REDACTED
	// GET Tickets 200 REDACTED
}

// Without a socket, the third request of all is refused its connection. The
// client tries again; the tenant has seen nothing of it.
func ExampleServer_Transport() {
	srv := autotasktest.Start() // in a test: autotasktest.NewInProcess(t)
	defer srv.Close()
	id := srv.Seed("Tickets", nil)
	srv.Inject(autotasktest.Fault{Skip: 2, Refuse: true})

	client, err := autotask.NewClient(srv.Credentials(), autotask.WithBaseURL(srv.BaseURL()),
		autotask.WithHTTPClient(&http.Client{Transport: srv.Transport()}))
	fmt.Println(err)
	_, err = client.Tickets.Update(context.Background(), id, func(t *autotask.Ticket) error {
		t.Priority = 1
		return nil
	})
	fmt.Println(err)
	fmt.Println(len(srv.Requests()), "requests arrived,", srv.PendingFaults(), "faults pending")
	// Output:
	// <nil>
	// <nil>
	// 3 requests arrived, 0 faults pending
}

// A note is new, and has moved the activity of its ticket.
func ExampleServer_Snapshot() {
	srv := autotasktest.Start()
	defer srv.Close()
	id := srv.Seed("Tickets", map[string]any{"lastActivityDate": "2026-01-01T00:00:00Z"})
	before := srv.Snapshot()

	_, err := srv.Client().Notes.Create(context.Background(), id,
		&autotask.TicketNote{Title: "Checked", Description: "No errors.", NoteType: 1, Publish: 2})
	fmt.Println(err)
	for name, row := range srv.Snapshot() {
		if before[name] != row {
			collection, _, _ := strings.Cut(name, "/")
			fmt.Println(collection)
		}
	}
	// Unordered output:
	// <nil>
	// TicketNotes
	// Tickets
}

// A handler of webhooks hears of a ticket that is created through the API.
func ExampleServer_DeliverWebhooks() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.SetWebhookHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(len(r.Header.Get("X-Hook-Signature")) > 0, strings.Contains(string(body), `"Fields":{"title":"Backup failed"}`))
	}))
	webhook := srv.Seed("TicketWebhooks", map[string]any{
		"webhookUrl": "https://example.com/hook", "secretKey": "key", "isReady": true, "isSubscribedToCreateEvents": true,
	})
	srv.Seed("TicketWebhookFields", map[string]any{"webhookID": webhook, "fieldID": srv.WebhookFieldID("Tickets", "title"), "isSubscribedField": true})

	_, err := srv.Client().Tickets.Create(context.Background(), &autotask.Ticket{
		Title: "Backup failed", Status: 1, Priority: 2, CompanyID: autotasktest.CustomerID,
	})
	fmt.Println(err, srv.PendingWebhooks())
	fmt.Println(srv.DeliverWebhooks(context.Background()))
	// Output:
	// <nil> 1
	// true true
	// <nil>
}

// Every ticket has the user-defined fields of the tenant.
func ExampleServer_SetUDFs() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"}, autotasktest.UDFDefinition{Name: "Seats", Type: "integer"})
	id := srv.Seed("Tickets", nil)
	fmt.Println(srv.Get("Tickets", id)["userDefinedFields"])
	// Output: [map[name:Site value:<nil>] map[name:Seats value:<nil>]]
}
