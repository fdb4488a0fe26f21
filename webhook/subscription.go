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
	// Entity is what the webhook reports on: Company, ConfigurationItem, Contact,
	// Ticket or TicketNote.
	Entity string
	// Name is what Ensure knows the webhook by; it has at most 50 characters.
	Name string
	// URL is the https address that is called; it has at most 500 characters. Two
	// webhooks of one entity need different ones: Autotask counts the same URL and
	// action as a duplicate, even if one of them is inactive.
	URL string
	// DeactivationURL is the http or https address that is called when the webhook
	// is deactivated or deleted. Autotask requires it.
	DeactivationURL string
	// Secret is what calls are signed with, at most 64 characters: the one of
	// NewHandler.
	Secret string
	// OwnerResourceID is the resource that the webhook belongs to; 0 leaves it to
	// Autotask, and as it is where the webhook is there already.
	OwnerResourceID int64
	// NotifyEmail gets a mail, at most one a day, when calls fail or
	// come late; "" is none, and takes away one that is there.
	NotifyEmail string

	// OnCreate, OnUpdate and OnDelete are the actions that trigger an event, at least
	// one.
	OnCreate, OnUpdate, OnDelete bool

	// WatchFields are those whose changes trigger an event, IncludeFields those whose values
	// are sent with every event. They are named by the labels of the picklist fieldID
	// that {Entity}WebhookFields has, without regard to case. There must be at
	// least one of either; a field may be in both.
	WatchFields, IncludeFields []string
	// WatchUDFs and IncludeUDFs are the same for user-defined fields, by the labels of the
	// picklist udfFieldID of {Entity}WebhookUdfFields. TicketNote has none.
	WatchUDFs, IncludeUDFs []string
	// ExcludedResources are resources whose changes trigger no event: the program's
	// own API user, for instance, so that it does not hear itself.
	ExcludedResources []int64
}

// plain is a Subscription that may be shown.
type plain Subscription

func (s Subscription) redacted() plain {
	s.Secret = "REDACTED"
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
// the tenant (ErrInvalid, ErrAmbiguous and so on for each, with those that are
// like it). Only then anything is written.
//
// The webhook is the one of that name among those of the entity; if there are
// several, the error is an *AmbiguousError. All else is a setting: another URL
// moves the webhook, another Name makes a second one. If there is none, it is
// created inactive (POST {Entity}Webhooks); then it gets its fields, one request
// at a time, since more than three at once trip the thread limit (POST
// {Entity}Webhooks/{id}/Fields, UdfFields, ExcludedResources); and then it is
// activated, so that one which is made in part never calls. If there is one, its
// settings are written again, the secret among them; fields that it lacks are
// added, and those that it has beyond the Subscription are taken away. It stays
// active meanwhile, if it was, so that no event is missed.
//
// Finally, the webhook is read back, and read again if anything had to be
// written, so that a setting or a field's flag that Autotask accepts and does not
// keep is ErrNotApplied. The secret is compared only if the webhook shows it, which is
// not documented: if it shows none, or a row of asterisks, a secret that was not
// kept is only seen by calls that are answered with 401.
//
// By default no security level allows its users to create webhooks, and there may
// be 50 active ones of an entity; the error is Autotask's refusal then.
//
// An error on the way says what the webhook has been given and comes with its
// id, 0 if there is none or its creation was not answered. Ensure then goes on
// from there when it is called again, or autotask.Delete[entity.TicketWebhook],
// or its like, takes the webhook away. An Error from Ensure has no Sent that
// holds the secret. Do not call Ensure for the same webhook twice at a time:
// both may create it.
func Ensure(ctx context.Context, client *autotask.Client, s Subscription) (id int64, err error) {
	k, problems := s.check()
	if err := invalid(problems); err != nil {
		return 0, err
	}
	e := ensuring{Subscription: s, kind: k, client: client}
	wantedFields, fieldsErr := e.wanted(ctx, k.fields, s.WatchFields, s.IncludeFields)
	wantedUDFs, udfsErr := e.wanted(ctx, k.udfs, s.WatchUDFs, s.IncludeUDFs)
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
	if err := k.update(ctx, client, e.id, e.finish); err != nil {
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
	refuse(!s.OnCreate && !s.OnUpdate && !s.OnDelete, "the webhook tells of no event: set OnCreate, OnUpdate or OnDelete")
	refuse(len(s.WatchFields)+len(s.IncludeFields) == 0, "the webhook has no field: name one in WatchFields or IncludeFields")
	refuse(i >= 0 && !k.hasUDFs() && len(s.WatchUDFs)+len(s.IncludeUDFs) > 0, s.Entity+" has no user-defined fields")
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
	given  []string // the settings, fields and resources that are as they should be
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
		ids, err := e.client.Picklists.IDs(ctx, c.collection, map[string]string{c.picklist: name})
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
	var there entity.TicketWebhook
	var twins []autotask.Candidate
	for _, h := range all {
		if strings.TrimSpace(h.Name.Or("")) == strings.TrimSpace(e.Name) {
			there = h
			twins = append(twins, autotask.Candidate{ID: h.ID, Label: h.Name.Or("")})
		}
	}
	switch len(twins) {
	case 0:
		err = e.create(ctx)
	case 1:
		e.id = there.ID
		settings := entity.TicketWebhook{NotificationEmailAddress: there.NotificationEmailAddress}
		e.set(&settings)
		err = e.kind.patch(ctx, e.client, e.id, settings)
	default:
		return &autotask.AmbiguousError{What: e.kind.entity + "Webhooks of one name", Name: e.Name, Candidates: twins}
	}
	if err != nil {
		return fmt.Errorf("writing its settings: %w", err)
	}
	e.given = []string{"its settings"}
	return nil
}

func (e *ensuring) create(ctx context.Context) error {
	settings := entity.TicketWebhook{IsActive: autotask.Value(false)}
	e.set(&settings)
	var err error
	e.id, err = e.kind.create(ctx, e.client, settings)
	var unknown *autotask.Error
	if errors.As(err, &unknown) {
		unknown.Sent = nil // it holds the secret
	}
	return err
}

// set sets all settings but isActive.
func (e *ensuring) set(h *entity.TicketWebhook) {
	e.setPlain(h)
	h.WebhookURL.Set(e.URL)
	h.DeactivationURL.Set(e.DeactivationURL)
	h.SecretKey.Set(e.Secret)
}

// setPlain sets those that an error may show.
func (e *ensuring) setPlain(h *entity.TicketWebhook) {
	h.Name.Set(e.Name)
	h.IsSubscribedToCreateEvents.Set(e.OnCreate)
	h.IsSubscribedToUpdateEvents.Set(e.OnUpdate)
	h.IsSubscribedToDeleteEvents.Set(e.OnDelete)
	h.SendThresholdExceededNotification.Set(e.NotifyEmail != "")
	switch {
	case e.NotifyEmail != "":
		h.NotificationEmailAddress.Set(e.NotifyEmail)
	case h.NotificationEmailAddress.Or("") != "":
		h.NotificationEmailAddress.SetNull()
	}
	if e.OwnerResourceID != 0 {
		h.OwnerResourceID.Set(e.OwnerResourceID)
	}
}

// finish compares the addresses and the secret with those that were written,
// and leaves the rest to Update, whose errors show values.
func (e *ensuring) finish(h *entity.TicketWebhook) error {
	shown := h.SecretKey.Or("")
	if strings.Trim(shown, "*•") == "" {
		shown = e.Secret
	}
	var differ []string
	for _, v := range []struct{ name, want, got string }{
		{"webhookUrl", e.URL, h.WebhookURL.Or("")},
		{"deactivationUrl", e.DeactivationURL, h.DeactivationURL.Or("")},
		{"secretKey", e.Secret, shown},
	} {
		if strings.TrimSpace(v.want) != strings.TrimSpace(v.got) {
			differ = append(differ, v.name)
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%w: Autotask accepted the settings, but reads back another %s", autotask.ErrNotApplied, strings.Join(differ, " and "))
	}
	e.setPlain(h)
	h.IsActive.Set(true)
	return nil
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
				err = c.change(ctx, e.client, want)
			}
		}
		if err != nil {
			return fmt.Errorf("setting %s: %w", want.name, err)
		}
		e.given = append(e.given, want.name)
	}
	for _, r := range surplus {
		if err := c.remove(ctx, e.client, r.id); err != nil {
			return fmt.Errorf("deleting %d of its %s: %w", r.id, c.collection, err)
		}
	}
	return nil
}

// explain says what was done to the webhook, beside what failed.
func (e *ensuring) explain(err error) error {
	done := "has been given " + strings.Join(e.given, ", ") + "; call Ensure again to go on"
	switch {
	case e.id == 0:
		return err
	case len(e.given) > 0:
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		done = "was there before and may have its new settings, nothing else was changed yet"
	default:
		done = "was there before, nothing was changed yet"
	}
	return fmt.Errorf("webhook: %sWebhook %d %s: %w", e.kind.entity, e.id, done, err)
}
