package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/internal/fields"
)

const (
	maxNameLength = 50
	maxURLLength  = 500
)

// Subscription describes a webhook, for [Ensure]. It prints, logs and encodes
// without its secret.
type Subscription struct {
	// Entity is what the webhook tells of: Company, ConfigurationItem, Contact,
	// Ticket or TicketNote.
	Entity string
	// Name and URL are what Ensure knows the webhook by. The name has at most 50
	// characters, the address at most 500; it is an https one.
	Name string
	URL  string
	// DeactivationURL is an http or https address, too, which Autotask requires.
	DeactivationURL string
	// Secret is what calls are signed with, at most 64 characters: the one of
	// NewHandler.
	Secret string
	// OwnerResourceID is the resource that the webhook belongs to; 0 leaves it to
	// Autotask.
	OwnerResourceID int64
	// NotificationEmailAddress gets a mail when too many calls fail; "" is none.
	NotificationEmailAddress string

	// Create, Update and Delete are the events that are told, at least one.
	Create, Update, Delete bool

	// Fields are those whose changes are told, ShowFields those whose values are
	// told with every event. They are named by the labels of the picklist fieldID
	// that {Entity}WebhookFields has, without regard to case. There must be at
	// least one of either; a field may be in both.
	Fields, ShowFields []string
	// UDFs and ShowUDFs are the same for user-defined fields, by the labels of the
	// picklist udfFieldID of {Entity}WebhookUdfFields. TicketNote has none.
	UDFs, ShowUDFs []string
	// ExcludedResources are people whose doings are not told: that of the
	// program's own API user, for instance, so that it does not hear itself.
	ExcludedResources []int64
}

// plain is a Subscription that may be shown.
type plain Subscription

func (s Subscription) redacted() plain {
	s.Secret = "[redacted]"
	return plain(s)
}

// Format shows everything but the secret.
func (s Subscription) Format(w fmt.State, verb rune) {
	_, _ = fmt.Fprintf(w, fmt.FormatString(w, verb), s.redacted())
}

// LogValue shows everything but the secret.
func (s Subscription) LogValue() slog.Value { return slog.AnyValue(s.redacted()) }

// MarshalJSON leaves the secret empty, so that what is read from it is not taken
// for a whole Subscription.
func (s Subscription) MarshalJSON() ([]byte, error) {
	s.Secret = ""
	return json.Marshal(plain(s))
}

// Ensure makes a webhook what a Subscription says, and returns its id. It can be
// called again and again: at every start of a program, after a failure, after
// Autotask has deactivated the webhook.
//
// First, everything is checked: names, lengths and addresses (ErrInvalid, which
// says all that is wrong), then the names of fields, against the picklists of
// the tenant (ErrNotFound, ErrAmbiguous and so on for each, with those that are
// like it). Only then anything is written.
//
// The webhook is the one of that name and address, among those of the entity; if
// there are several, the error is an *AmbiguousError. If there is none, it is
// created inactive (POST {Entity}Webhooks); then it gets its fields, one request
// at a time, since more than three at once trip the thread limit (POST
// {Entity}Webhooks/{id}/Fields, UdfFields, ExcludedResources); and then it is
// activated, so that one which is made in part never calls. If there is one, its
// settings are written again, the secret among them, which cannot be counted on
// to be readable; fields that it lacks are added, and those that it has beyond
// the Subscription are taken away. It stays active meanwhile, if it was, so that
// no event is missed.
//
// An error on the way says what is there and comes with the id of the webhook, 0
// if there is none or its creation was not answered. Ensure then goes on from
// there when it is called again, or autotask.Delete[entity.TicketWebhook], or its
// like, takes the webhook away. An Error from Ensure has no Sent: the secret
// would be in it. Do not call Ensure for the same webhook twice at a time: both
// may create it.
func Ensure(ctx context.Context, client *autotask.Client, s Subscription) (id int64, err error) {
	k, problems := s.check()
	if err := invalid(problems); err != nil {
		return 0, err
	}
	e := ensuring{Subscription: s, kind: k, client: client}
	wantedFields, fieldsErr := e.wanted(ctx, k.fields, s.Fields, s.ShowFields)
	wantedUDFs, udfsErr := e.wanted(ctx, k.udfs, s.UDFs, s.ShowUDFs)
	if err := errors.Join(fieldsErr, udfsErr); err != nil {
		return 0, err
	}
	if err := e.findOrCreate(ctx); err != nil {
		return e.id, e.explain(err)
	}
	var excluded []row
	for _, id := range slices.Compact(slices.Sorted(slices.Values(s.ExcludedResources))) {
		excluded = append(excluded, row{of: id, name: fmt.Sprintf("resource %d", id)})
	}
	for _, part := range []struct {
		children children
		wanted   []row
	}{{k.excluded, excluded}, {k.fields, wantedFields}, {k.udfs, wantedUDFs}} {
		if err := e.align(ctx, part.children, part.wanted); err != nil {
			return e.id, e.explain(err)
		}
	}
	if err := k.activate(ctx, client, e.id); err != nil {
		return e.id, e.explain(fmt.Errorf("activating it: %w", err))
	}
	return e.id, nil
}

// check says what is wrong with a Subscription as such. It shows no addresses:
// they may hold tokens.
func (s *Subscription) check() (kind, []string) {
	var problems []string
	refuse := func(wrong bool, problem string) {
		if wrong {
			problems = append(problems, problem)
		}
	}
	var k kind
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.entity == s.Entity })
	if i >= 0 {
		k = kinds[i]
	}
	refuse(i < 0, fmt.Sprintf("there are no webhooks for the entity %.60q, but for %s", s.Entity, kindNames()))
	refuse(strings.TrimSpace(s.Name) == "", "the Name is empty")
	refuse(fields.Length(s.Name) > maxNameLength, fmt.Sprintf("the Name has %d characters, the limit is %d", fields.Length(s.Name), maxNameLength))
	refuse(!isAddress(s.URL, "https"), "the URL must be a whole https address")
	refuse(fields.Length(s.URL) > maxURLLength, fmt.Sprintf("the URL has %d characters, the limit is %d", fields.Length(s.URL), maxURLLength))
	refuse(!isAddress(s.DeactivationURL, "https", "http"), "the DeactivationURL must be a whole http or https address")
	secret := checkSecret(s.Secret)
	refuse(secret != "", "the Secret "+secret)
	refuse(s.OwnerResourceID < 0, "the OwnerResourceID is no id")
	refuse(slices.ContainsFunc(s.ExcludedResources, func(id int64) bool { return id <= 0 }), "one of the ExcludedResources is no id")
	refuse(!s.Create && !s.Update && !s.Delete, "the webhook tells of no event: set Create, Update or Delete")
	refuse(len(s.Fields)+len(s.ShowFields) == 0, "the webhook has no field: name one in Fields or ShowFields")
	refuse(i >= 0 && !k.hasUDFs() && len(s.UDFs)+len(s.ShowUDFs) > 0, s.Entity+" has no user-defined fields")
	return k, problems
}

func isAddress(address string, schemes ...string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Hostname() != ""
}

func kindNames() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.entity)
	}
	return strings.Join(names, ", ")
}

// ensuring is one call of Ensure under way.
type ensuring struct {
	Subscription

	kind   kind
	client *autotask.Client
	id     int64
	there  []string // the fields and resources that are known to be as they should
}

// wanted finds the rows that there should be. Each field is looked up by itself,
// so that all wrong names are told at once; the picklist is read but once.
func (e *ensuring) wanted(ctx context.Context, c children, subscribed, shown []string) ([]row, error) {
	if len(subscribed)+len(shown) == 0 {
		return nil, nil
	}
	if _, err := e.client.Picklists.Values(ctx, c.collection, c.picklist); err != nil {
		return nil, err
	}
	var all []row
	var failures []error
	for i, name := range slices.Concat(subscribed, shown) {
		ids, err := e.client.Picklists.Resolve(ctx, c.collection, map[string]string{c.picklist: name})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		of := ids[c.picklist]
		at := slices.IndexFunc(all, func(r row) bool { return r.of == of })
		if at < 0 {
			at = len(all)
			all = append(all, row{of: of, name: name})
		}
		all[at].subscribed = all[at].subscribed || i < len(subscribed)
		all[at].shown = all[at].shown || i >= len(subscribed)
	}
	return all, errors.Join(failures...)
}

// findOrCreate leaves a webhook that has all settings but isActive.
func (e *ensuring) findOrCreate(ctx context.Context) error {
	all, err := e.kind.list(ctx, e.client)
	if err != nil {
		return err
	}
	var twins []autotask.Candidate
	for _, h := range all {
		if strings.TrimSpace(h.Name.Or("")) == strings.TrimSpace(e.Name) && h.WebhookURL.Or("") == e.URL {
			twins = append(twins, autotask.Candidate{ID: h.ID, Label: h.Name.Or("")})
		}
	}
	settings := e.settings()
	switch len(twins) {
	case 0:
		settings.IsActive.Set(false)
		e.id, err = e.kind.create(ctx, e.client, settings)
		var unknown *autotask.Error
		if errors.As(err, &unknown) {
			unknown.Sent = nil // it holds the secret
		}
		return err
	case 1:
		e.id = twins[0].ID
		if err := e.kind.patch(ctx, e.client, e.id, settings); err != nil {
			return fmt.Errorf("writing its settings: %w", err)
		}
		return nil
	}
	return &autotask.AmbiguousError{Kind: e.kind.entity + "Webhooks of one name and address", Name: e.Name, Candidates: twins}
}

func (e *ensuring) settings() entity.TicketWebhook {
	h := entity.TicketWebhook{
		Name:                              autotask.Value(e.Name),
		WebhookURL:                        autotask.Value(e.URL),
		DeactivationURL:                   autotask.Value(e.DeactivationURL),
		SecretKey:                         autotask.Value(e.Secret),
		IsSubscribedToCreateEvents:        autotask.Value(e.Create),
		IsSubscribedToUpdateEvents:        autotask.Value(e.Update),
		IsSubscribedToDeleteEvents:        autotask.Value(e.Delete),
		SendThresholdExceededNotification: autotask.Value(e.NotificationEmailAddress != ""),
	}
	if e.NotificationEmailAddress != "" {
		h.NotificationEmailAddress.Set(e.NotificationEmailAddress)
	}
	if e.OwnerResourceID != 0 {
		h.OwnerResourceID.Set(e.OwnerResourceID)
	}
	return h
}

// align makes the webhook's rows of one collection those that are wanted: first
// what is missing, then what is too much, so that an active one never lacks both
// the old and the new.
func (e *ensuring) align(ctx context.Context, c children, wanted []row) error {
	if c.list == nil {
		return nil
	}
	surplus, err := c.list(ctx, e.client, e.id)
	if err != nil {
		return fmt.Errorf("reading its %s: %w", c.collection, err)
	}
	for _, want := range wanted {
		at := slices.IndexFunc(surplus, func(r row) bool { return r.of == want.of })
		switch {
		case at < 0:
			err = c.create(ctx, e.client, e.id, want)
		default:
			have := surplus[at]
			surplus = slices.Delete(surplus, at, at+1)
			want.id = have.id
			if have.subscribed != want.subscribed || have.shown != want.shown {
				err = c.change(ctx, e.client, e.id, want)
			}
		}
		if err != nil {
			return fmt.Errorf("setting %s: %w", want.name, err)
		}
		e.there = append(e.there, want.name)
	}
	for _, r := range surplus {
		if err := c.remove(ctx, e.client, r.id); err != nil {
			return fmt.Errorf("deleting %d of its %s: %w", r.id, c.collection, err)
		}
	}
	return nil
}

// explain says what there is of the webhook, beside what failed.
func (e *ensuring) explain(err error) error {
	if e.id == 0 {
		return err
	}
	with := "nothing of what it should have yet"
	if len(e.there) > 0 {
		with = strings.Join(e.there, ", ")
	}
	return fmt.Errorf("webhook: %sWebhook %d is there, with %s; call Ensure again to go on: %w", e.kind.entity, e.id, with, err)
}
