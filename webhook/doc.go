// Package webhook receives the webhooks of Autotask, and sets them up.
//
// A webhook is a POST with which Autotask tells a program that a company, a
// configuration item, a contact, a ticket or a ticket note was created, changed
// or deleted. It saves asking again and again, and is the only way to learn of
// most deletions.
//
// # Receiving
//
// [NewHandler] makes an http.Handler that lets through what is signed with the
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
// Answer soon: put the event into a queue and do the work elsewhere. Autotask
// publishes neither how long it waits nor that it calls again after a failure,
// and it tells of a webhook that it has switched off with the action Deactivated.
// Whether that call is signed, and what it holds beyond the action, is unverified;
// one that is not signed is answered with 401. The collection WebhookEventErrorLogs keeps failed calls (entity.WebhookEventErrorLog).
//
// Be ready for events that come twice, late or never: the numbers of a webhook's
// calls have gaps. Let an event say that something happened to an item, read the
// item, and do what then is to be done; and compare with a search for what
// changed since the last one, from time to time.
//
// A signature is of the body alone, with neither a nonce nor a time that is
// checked: whoever has got hold of one signed call can repeat it. What a repeated
// event does must do no harm.
//
// # Setting up
//
// [Ensure] makes the webhook in Autotask: inactive at first, then its fields one
// by one, then active.
//
//	id, err := webhook.Ensure(ctx, client, webhook.Subscription{
//		Entity:          "Ticket",
//		Name:            "Ticket mirror",
//		URL:             "https://hooks.example.com/autotask",
//		DeactivationURL: "https://hooks.example.com/autotask",
//		Secret:          os.Getenv("WEBHOOK_SECRET"),
//		Create:          true,
//		Update:          true,
//		Fields:          []string{"status", "queueID"}, // whose changes are told
//		ShowFields:      []string{"ticketNumber"},      // told with every event
//	})
//
// The names of fields are the labels in the picklist of the webhook's own fields;
// client.Picklists.Values(ctx, "TicketWebhookFields", "fieldID") lists them. Start
// the receiving program first: the webhook may call as soon as Ensure is done.
//
// To change the secret, start the program with the new one and the old one as
// [WithFormerSecret], call Ensure with the new one, and drop the old one later.
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
