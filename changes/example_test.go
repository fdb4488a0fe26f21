package changes_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/changes"
)

func Example() {
	srv := autotasktest.Start()
	defer srv.Close()
	yesterday := time.Now().Add(-24 * time.Hour)
	seed := func(title string) int64 {
		return srv.Seed("Tickets", map[string]any{
			"title": title, "createDate": yesterday, "lastActivityDate": yesterday, "lastTrackedModificationDateTime": yesterday,
		})
	}
	seed("Mailbox full")
	printer := seed("Printer on fire")
	backup := seed("Backup failed")

	var saved []byte // in a program, a row of the database that the tickets are in
	titles := make(map[int64]string)
	sync := func() error {
		var state changes.State
		if saved != nil {
			if err := json.Unmarshal(saved, &state); err != nil {
				return err
			}
		}
		feed, err := changes.Open(srv.Client(), changes.Options{Collections: []string{"Tickets"}, State: state})
		if err != nil {
			return err
		}
		for batch, err := range feed.Run(context.Background()) {
			if err != nil {
				return err
			}
			for _, c := range batch.Changes {
				switch c.Kind {
				case changes.Upserted:
					ticket, err := changes.As[autotask.Ticket](c)
					if err != nil {
						return err
					}
					titles[c.ID] = ticket.Title
					fmt.Println("upserted:", ticket.Title)
				case changes.Gone:
					fmt.Println("gone:", titles[c.ID])
					delete(titles, c.ID)
				default: // fields have changed
				}
			}
			if saved, err = json.Marshal(batch.State); err != nil {
				return err
			}
		}
		return nil
	}

	if err := sync(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("-- later")
	srv.Change("Tickets", backup, map[string]any{"title": "Backup failed twice"})
	srv.Remove("Tickets", printer)
	if err := sync(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// upserted: Mailbox full
	// upserted: Printer on fire
	// upserted: Backup failed
	// -- later
	// upserted: Backup failed twice
	// gone: Printer on fire
}
