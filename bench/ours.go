package main

import (
	"context"
	"net/http"

	"github.com/autotask-go/autotask"
)

func init() { register(contender{name: ours, open: openOurs}) }

// openOurs is this library through its public API, with its defaults.
func openOurs(s service) operations {
	client, err := autotask.NewClient(
		autotask.Credentials{UserName: userName, Secret: secret, IntegrationCode: integrationCode},
		autotask.WithBaseURL(s.baseURL),
		autotask.WithHTTPClient(&http.Client{Transport: s.transport}),
	)
	if err != nil {
		panic(err)
	}
	return operations{
		get: func(ctx context.Context) (int64, error) {
			t, err := client.Tickets.Get(ctx, ticketID)
			if err != nil {
				return 0, err
			}
			return t.ID, nil
		},
		list500: func(ctx context.Context) (int64, error) {
			tickets, err := client.Tickets.List(ctx, autotask.Query{Limit: pageSize})
			return int64(len(tickets)), err
		},
		all20x500: func(ctx context.Context) (int64, error) {
			var n int64
			for _, err := range client.Tickets.All(ctx, autotask.Query{}) {
				if err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		},
		note: func(ctx context.Context) (int64, error) {
			return client.Notes.Create(ctx, ticketID, &autotask.TicketNote{
				Title: sampleNote.Title, Description: sampleNote.Description,
				NoteType: sampleNote.NoteType, Publish: sampleNote.Publish,
			})
		},
		update: func(ctx context.Context) (int64, error) {
			t, err := client.Tickets.Update(ctx, editedID, func(t *autotask.Ticket) error {
				t.Resolution.Set(newResolution)
				return nil
			})
			if err != nil {
				return 0, err
			}
			return t.ID, nil
		},
	}
}
