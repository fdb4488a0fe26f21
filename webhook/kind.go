package webhook

import (
	"context"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
)

// The collections of the entities that have webhooks differ only in their names. Each
// of these sets has types of one form, the ticket's; the others are converted from
// and to it.
type (
	hooks interface {
		entity.CompanyWebhook | entity.ConfigurationItemWebhook | entity.ContactWebhook |
			entity.TicketNoteWebhook | entity.TicketWebhook
		autotask.Queryable
		autotask.Creatable
		autotask.Updatable
		autotask.Patchable
	}
	fieldRows interface {
		entity.CompanyWebhookField | entity.ConfigurationItemWebhookField | entity.ContactWebhookField |
			entity.TicketNoteWebhookField | entity.TicketWebhookField
		rows
		autotask.Updatable
	}
	udfRows interface {
		entity.CompanyWebhookUdfField | entity.ConfigurationItemWebhookUdfField | entity.ContactWebhookUdfField |
			entity.TicketWebhookUdfField
		rows
		autotask.Updatable
	}
	excludedRows interface {
		entity.CompanyWebhookExcludedResource | entity.ConfigurationItemWebhookExcludedResource |
			entity.ContactWebhookExcludedResource | entity.TicketNoteWebhookExcludedResource |
			entity.TicketWebhookExcludedResource
		rows
	}
	rows interface {
		autotask.Queryable
		autotask.Creatable
		autotask.Deletable
	}
)

// kind is one entity that has webhooks.
type kind struct {
	entity   string
	list     func(context.Context, *autotask.Client) ([]entity.TicketWebhook, error)
	create   func(context.Context, *autotask.Client, entity.TicketWebhook) (int64, error)
	patch    func(context.Context, *autotask.Client, int64, entity.TicketWebhook) error
	update   func(context.Context, *autotask.Client, int64, func(*entity.TicketWebhook) error) error
	fields   children
	udfs     children // without functions if the entity has no user-defined fields
	excluded children
}

// kinds are all entities that have webhooks.
var kinds = []kind{
	kindOf[entity.CompanyWebhook]("Company",
		fieldsOf[entity.CompanyWebhookField](), udfsOf[entity.CompanyWebhookUdfField](), excludedOf[entity.CompanyWebhookExcludedResource]()),
	kindOf[entity.ConfigurationItemWebhook]("ConfigurationItem",
		fieldsOf[entity.ConfigurationItemWebhookField](), udfsOf[entity.ConfigurationItemWebhookUdfField](), excludedOf[entity.ConfigurationItemWebhookExcludedResource]()),
	kindOf[entity.ContactWebhook]("Contact",
		fieldsOf[entity.ContactWebhookField](), udfsOf[entity.ContactWebhookUdfField](), excludedOf[entity.ContactWebhookExcludedResource]()),
	kindOf[entity.TicketWebhook]("Ticket",
		fieldsOf[entity.TicketWebhookField](), udfsOf[entity.TicketWebhookUdfField](), excludedOf[entity.TicketWebhookExcludedResource]()),
	kindOf[entity.TicketNoteWebhook]("TicketNote",
		fieldsOf[entity.TicketNoteWebhookField](), children{}, excludedOf[entity.TicketNoteWebhookExcludedResource]()),
}

// hasUDFs: there is no TicketNoteWebhookUdfField.
func (k kind) hasUDFs() bool { return k.udfs.list != nil }

func kindOf[T hooks](name string, fields, udfs, excluded children) kind {
	return kind{
		entity: name, fields: fields, udfs: udfs, excluded: excluded,
		list: func(ctx context.Context, c *autotask.Client) ([]entity.TicketWebhook, error) {
			var all []entity.TicketWebhook
			for h, err := range autotask.All[T](ctx, c, autotask.Query{}) {
				if err != nil {
					return nil, err
				}
				all = append(all, entity.TicketWebhook(*h))
			}
			return all, nil
		},
		create: func(ctx context.Context, c *autotask.Client, h entity.TicketWebhook) (int64, error) {
			v := T(h)
			return autotask.Create(ctx, c, &v)
		},
		patch: func(ctx context.Context, c *autotask.Client, id int64, h entity.TicketWebhook) error {
			v := T(h)
			return autotask.Patch(ctx, c, id, &v)
		},
		update: func(ctx context.Context, c *autotask.Client, id int64, change func(*entity.TicketWebhook) error) error {
			_, err := autotask.Update(ctx, c, id, func(v *T) error {
				h := entity.TicketWebhook(*v)
				err := change(&h)
				*v = T(h)
				return err
			})
			return err
		},
	}
}

// row is an item that belongs to a webhook.
type row struct {
	id         int64
	of         int64  // the field, user-defined field or resource
	name       string // of it, as the caller gave it
	subscribed bool   // its changes trigger an event
	shown      bool   // every event includes its value
}

// children are the rows of one collection that belong to webhooks.
type children struct {
	collection string
	picklist   string // the field that says what a row is for, "" if that is not a picklist
	list       func(ctx context.Context, c *autotask.Client, webhook int64) ([]row, error)
	create     func(ctx context.Context, c *autotask.Client, webhook int64, r row) error
	change     func(ctx context.Context, c *autotask.Client, r row) error // of its subscribed and shown
	remove     func(ctx context.Context, c *autotask.Client, id int64) error
}

func fieldsOf[T fieldRows]() children {
	item := func(webhook int64, r row) *T {
		v := T(entity.TicketWebhookField{
			WebhookID:            autotask.Value(webhook),
			FieldID:              autotask.Value(r.of),
			IsSubscribedField:    autotask.Value(r.subscribed),
			IsDisplayAlwaysField: autotask.Value(r.shown),
		})
		return &v
	}
	k := childrenOf(item, func(v *T) (int64, row) {
		f := entity.TicketWebhookField(*v)
		return f.WebhookID.Or(0), row{id: f.ID, of: f.FieldID.Or(0), subscribed: f.IsSubscribedField.Or(false), shown: f.IsDisplayAlwaysField.Or(false)}
	})
	k.picklist, k.change = "fieldID", changing(func(v *T, r row) {
		f := entity.TicketWebhookField(*v)
		f.IsSubscribedField.Set(r.subscribed)
		f.IsDisplayAlwaysField.Set(r.shown)
		*v = T(f)
	})
	return k
}

func udfsOf[T udfRows]() children {
	item := func(webhook int64, r row) *T {
		v := T(entity.TicketWebhookUdfField{
			WebhookID:            autotask.Value(webhook),
			UDFFieldID:           autotask.Value(r.of),
			IsSubscribedField:    autotask.Value(r.subscribed),
			IsDisplayAlwaysField: autotask.Value(r.shown),
		})
		return &v
	}
	k := childrenOf(item, func(v *T) (int64, row) {
		f := entity.TicketWebhookUdfField(*v)
		return f.WebhookID.Or(0), row{id: f.ID, of: f.UDFFieldID.Or(0), subscribed: f.IsSubscribedField.Or(false), shown: f.IsDisplayAlwaysField.Or(false)}
	})
	k.picklist, k.change = "udfFieldID", changing(func(v *T, r row) {
		f := entity.TicketWebhookUdfField(*v)
		f.IsSubscribedField.Set(r.subscribed)
		f.IsDisplayAlwaysField.Set(r.shown)
		*v = T(f)
	})
	return k
}

// excludedOf returns children without change: such a row has nothing that could
// change.
func excludedOf[T excludedRows]() children {
	return childrenOf(func(webhook int64, r row) *T {
		v := T(entity.TicketWebhookExcludedResource{WebhookID: autotask.Value(webhook), ResourceID: autotask.Value(r.of)})
		return &v
	}, func(v *T) (int64, row) {
		x := entity.TicketWebhookExcludedResource(*v)
		return x.WebhookID.Or(0), row{id: x.ID, of: x.ResourceID.Or(0)}
	})
}

func childrenOf[T rows](item func(webhook int64, r row) *T, read func(*T) (webhook int64, r row)) children {
	return children{
		collection: (*new(T)).Collection(),
		list: func(ctx context.Context, c *autotask.Client, webhook int64) ([]row, error) {
			var mine []row
			for v, err := range autotask.All[T](ctx, c, autotask.Query{Filter: autotask.Eq("webhookID", webhook)}) {
				if err != nil {
					return nil, err
				}
				// Otherwise a row of another webhook could be deleted.
				if of, r := read(v); of == webhook {
					mine = append(mine, r)
				}
			}
			return mine, nil
		},
		create: func(ctx context.Context, c *autotask.Client, webhook int64, r row) error {
			_, err := autotask.Create(ctx, c, item(webhook, r))
			return err
		},
		remove: autotask.Delete[T],
	}
}

// changing reads back: if a row does not keep its flags, the error is ErrNotApplied.
func changing[T autotask.Updatable](set func(*T, row)) func(context.Context, *autotask.Client, row) error {
	return func(ctx context.Context, c *autotask.Client, r row) error {
		_, err := autotask.Update(ctx, c, r.id, func(v *T) error {
			set(v, r)
			return nil
		})
		return err
	}
}
