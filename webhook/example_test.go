package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/webhook"
)

// A webhook is set up in a fake tenant, a ticket changes, and the program hears
// of it.
func Example() {
	ctx := context.Background()
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "ticketNumber": "T20261123.0001"})

	h, err := webhook.NewHandler("a long random secret", func(_ context.Context, e *webhook.Event) error {
		var t autotask.Ticket
		if err := e.Decode(&t); err != nil {
			return err
		}
		fmt.Println(e.Action, e.Entity, e.ID == id, t.Title)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv.SetWebhookHandler(h) // in earnest: an http.Server that Autotask can reach

	_, err = webhook.Ensure(ctx, client, webhook.Subscription{
		Entity:          "Ticket",
		Name:            "Ticket mirror",
		URL:             "https://hooks.example.com/autotask",
		DeactivationURL: "https://hooks.example.com/autotask",
		Secret:          "a long random secret",
		OnUpdate:        true,
		WatchFields:     []string{"title"},
	})
	fmt.Println(err)

	_, err = client.Tickets.Update(ctx, id, func(t *autotask.Ticket) error {
		t.Title = "Backup failed twice"
		return nil
	})
	fmt.Println(err)
	fmt.Println(srv.DeliverWebhooks(ctx))
	// Output:
	// <nil>
	// <nil>
	// Update Ticket true Backup failed twice
	// <nil>
}

func ExampleNewHandler() {
	h, err := webhook.NewHandler("the key of a test", func(_ context.Context, e *webhook.Event) error {
		fmt.Println(e.Action, e.Entity, e.ID)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, signature := range []string{"sha1=xBqTDjfcApyLlmJupH5FxsUs22U=", "sha1=AAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/autotask", strings.NewReader(`{"Action":"Update","EntityType":"Account","Id":175}`))
		r.Header.Set("X-Hook-Signature", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// Update Company 175
	// 200
	// 401
}

func ExampleFields_Get() {
	e, err := webhook.ParseEvent([]byte(`{"Action":"Update","EntityType":"Ticket","Id":4711,"Fields":{"Status":5}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	status, ok := e.Fields.Get("status")
	fmt.Println(string(status), ok)
	_, ok = e.Fields.Get("priority")
	fmt.Println(ok)
	// Output:
	// 5 true
	// false
}
