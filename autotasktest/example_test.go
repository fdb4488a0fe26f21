package autotasktest_test

import (
	"context"
	"fmt"
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

// Nothing but the note has changed.
func ExampleServer_Snapshot() {
	srv := autotasktest.Start()
	defer srv.Close()
	id := srv.Seed("Tickets", nil)
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
	// Output:
	// <nil>
	// TicketNotes
}
