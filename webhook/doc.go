// Package webhook receives the webhooks of Autotask, and sets them up.
//
// A webhook is a POST with which Autotask reports that a company, a configuration
// item, a contact, a ticket or a ticket note was created, changed or deleted. It
// saves polling, and is the only way to learn of most deletions.
//
// # Receiving
//
// [NewHandler] returns an http.Handler that accepts what is signed with the
// webhook's secret, and nothing else:
//
//	h, err := webhook.NewHandler(os.Getenv("WEBHOOK_SECRET"), func(ctx context.Context, e *webhook.Event) error {
//		return queue.Put(ctx, e.Raw) // webhook.ParseEvent reads it on the other side
//	})
//	…
//	server := &http.Server{Addr: ":8443", Handler: h, ReadTimeout: 10 * time.Second}
//	err = server.ListenAndServeTLS(certFile, keyFile)
//
// Autotask calls https addresses only, at a name that it can reach.
//
// # Delivery
//
// This is how Autotask delivers an event (help page "Webhooks error handling"):
//
//   - An answer with a status of 2xx within ten seconds is a success. All else is
//     a failure.
//   - After a failure it calls again 30 seconds later, five times in all within
//     two minutes.
//   - Then it drops the event and keeps it in its error log for 30 days.
//   - Later events of the same webhook and action wait behind the one that fails,
//     in order.
//   - After 25 failures, for different events, it switches the webhook off and
//     calls the deactivation URL.
//   - Beyond 1,500 events an hour of one entity, deliveries come late.
//
// So respond quickly: put the event into a queue and do the work elsewhere. Be
// ready for events that come twice, late, out of order or never. Treat an event
// as news that something happened to an item: read the item, and do what then has
// to be done. A program that was down for more than two minutes has missed events;
// it reads them from the log with [ErrorLog]. [Gaps] notices numbers that never
// arrived. A search for what changed since the last one, run from time to time,
// finds the rest.
//
// The action Deactivated reports that a webhook was switched off. Whether that
// call is signed, and what it holds beyond the action, is unverified; one that is
// not signed is answered with 401.
//
// A signature covers the body alone, with neither a nonce nor a time that is
// checked: anyone who captures a signed call can replay it. Handling a replayed
// event must do no harm. [Sign] signs a body as Autotask does, for tests.
//
// # Setting up
//
// The security level of the API user must allow it to create webhooks; by default
// none does. A tenant has at most 50 active webhooks of each entity.
//
// [Ensure] creates the webhook in Autotask: inactive at first, then its fields
// one by one, then active.
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
// To change the secret, start the program with the new one and the old one as
// [WithPreviousSecret], call Ensure with the new one, and drop the old one later.
//
// All else is done with the types of package entity: autotask.List, Get and
// Delete of an entity.TicketWebhook, for instance.
//
// These types hold the secret in SecretKey, and print it with %v and %+v: do not
// log them.
//
// # Names
//
// Autotask's events use the names of its SOAP API, Account for Company and
// InstalledProduct for ConfigurationItem. Event.Entity has today's name. The
// members of an event are written in PascalCase, entities have camelCase; all are
// matched without case.
package webhook
