// Package webhook receives the webhooks of Autotask, and sets them up.
//
// A webhook is a POST with which Autotask reports that a company, a configuration
// item, a contact, a ticket or a ticket note was created, changed or deleted. It
// saves polling, and is the only way to learn of most deletions.
//
// # Receiving
//
// [NewHandler] returns an http.Handler that accepts only calls signed with the
// webhook's secret:
//
//	h, err := webhook.NewHandler(os.Getenv("WEBHOOK_SECRET"), func(ctx context.Context, e *webhook.Event) error {
//		return queue.Put(ctx, e.Raw) // webhook.ParseEvent reads it on the other side
//	})
//	…
//	server := &http.Server{Addr: ":8443", Handler: h, ReadTimeout: 10 * time.Second}
//	err = server.ListenAndServeTLS(certFile, keyFile)
//
// Autotask calls only https addresses that it can reach by name.
//
// # Delivery
//
// This is how Autotask delivers an event (help page "Webhooks error handling"):
//
//   - An answer with a status of 2xx within ten seconds is a success. Anything else
//     is a failure.
//   - After a failure it calls again 30 seconds later, five times in all within two
//     minutes.
//   - Then it drops the event and keeps it in its error log for 30 days.
//   - Later events of the same webhook and action wait in order for the failing one.
//   - After 25 failures, for different events, it switches the webhook off and
//     calls the deactivation URL.
//   - Beyond 1,500 events an hour of one entity, deliveries come late.
//
// So respond quickly: put the event into a queue and do the work elsewhere. Be ready
// for events that arrive twice, late, out of order or never. Treat an event as a hint
// that an item changed: read the item, then act on what you read. A program that was
// down for more than two minutes has missed events; [ErrorLog] reads them from the
// log, and [Gaps] notices numbers that never arrived. To find the rest, search from
// time to time for what changed since the last search.
//
// The action Deactivated reports that a webhook was switched off. Whether that call
// is signed, and what it holds beyond the action, is unverified; an unsigned one is
// answered with 401.
//
// A signature covers only the body, with neither a nonce nor a time that is checked,
// so anyone who captures a signed call can replay it. Handling a replayed event must
// do no harm. [Sign] signs a body as Autotask does, for tests.
//
// # Setting up
//
// The security level of the API user must allow creating webhooks; by default none
// does. A tenant can have at most 50 active webhooks per entity.
//
// [Ensure] creates the webhook in Autotask: inactive at first, then its fields one by
// one, then it is activated.
//
//	id, err := webhook.Ensure(ctx, client, webhook.Subscription{
//		Entity:          "Ticket",
//		Name:            "Ticket mirror",
//		URL:             "https://hooks.example.com/autotask",
//		DeactivationURL: "https://hooks.example.com/autotask",
//		Secret:          os.Getenv("WEBHOOK_SECRET"),
//		OnCreate:        true,
//		OnUpdate:        true,
//		WatchFields:     []string{"status", "queueID"}, // whose changes trigger an event
//		IncludeFields:   []string{"ticketNumber"},      // sent with every event
//	})
//
// The names of fields are the labels in the picklist of the webhook's own fields;
// client.Picklists.Values(ctx, "TicketWebhookFields", "fieldID") lists them. Start
// the receiving program first: the webhook may call as soon as Ensure is done.
//
// To change the secret, start the program with the new secret and pass the old one to
// [WithPreviousSecret]. Then call Ensure with the new secret, and drop the old one
// later.
//
// For everything else use the types of package entity: autotask.List, Get and Delete
// of an entity.TicketWebhook, for instance.
//
// These types hold the secret in SecretKey, and print it with %v and %+v, so do not
// log them.
//
// # Names
//
// Autotask's events use the names of its SOAP API, Account for Company and
// InstalledProduct for ConfigurationItem. Event.Entity has today's name. The members
// of an event are in PascalCase, those of entities in camelCase; both are matched
// case-insensitively.
package webhook
