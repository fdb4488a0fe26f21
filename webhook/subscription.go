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

// Subscription describes a webhook, for [Ensure]. It prints, logs and encodes without
// its secret.
type Subscription struct {
	// Entity is what the webhook reports on: Company, ConfigurationItem, Contact,
	// Ticket or TicketNote.
	Entity string
	// Name identifies the webhook to Ensure; it has at most 50 characters.
	Name string
	// URL is the https address to call; it has at most 500 characters. Two webhooks
	// of one entity need different URLs: Autotask counts the same URL and action as a
	// duplicate, even if one of them is inactive.
	URL string
	// DeactivationURL is the http or https address to call when the webhook is
	// deactivated or deleted. Autotask requires it.
	DeactivationURL string
	// Secret signs the calls; it has at most 64 characters. Pass the same one to
	// NewHandler.
	Secret string
	// OwnerResourceID is the resource that the webhook belongs to; 0 lets Autotask
	// choose for a new webhook, and leaves an existing one unchanged.
	OwnerResourceID int64
	// NotifyEmail receives a mail, at most one a day, when calls fail or are late; ""
	// sets none, and removes an existing one.
	NotifyEmail string

	// OnCreate, OnUpdate and OnDelete are the actions that trigger an event. At least
	// one must be set.
	OnCreate, OnUpdate, OnDelete bool

	// WatchFields are the fields whose changes trigger an event, IncludeFields those
	// whose values are sent with every event. They are named, case-insensitively, by
	// the labels of the picklist fieldID of {Entity}WebhookFields. There must be at
	// least one of either; a field may be in both.
	WatchFields, IncludeFields []string
	// WatchUDFs and IncludeUDFs are the same for user-defined fields, by the labels
	// of the picklist udfFieldID of {Entity}WebhookUdfFields. TicketNote has none.
	WatchUDFs, IncludeUDFs []string
	// ExcludedResources are resources whose changes trigger no event: the program's
	// own API user, for instance, so that it does not receive its own changes.
	ExcludedResources []int64
}

// plain is a Subscription that is safe to print.
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

// MarshalJSON leaves the secret empty, so that its output is not mistaken for a
// complete Subscription.
func (s Subscription) MarshalJSON() ([]byte, error) {
	s.Secret = ""
	return json.Marshal(plain(s))
}

// Ensure creates or updates a webhook to match a Subscription, and returns its id. It
// may be called repeatedly: at every start of a program, after a failure, after
// Autotask has deactivated the webhook.
//
// First it checks everything: names, lengths and addresses (ErrInvalid, which lists
// all problems), then the names of fields against the tenant's picklists (ErrInvalid,
// ErrAmbiguous and so on for each, with similar names). Only then does it write.
//
// The webhook is identified by its entity and its Name; if several match, the error
// is an *AmbiguousError. Everything else is a setting: another URL moves the webhook,
// another Name makes a second one.
//
// If there is none, Ensure creates it inactive (POST {Entity}Webhooks), adds its
// fields one request at a time, since more than three at once trip the thread limit
// (POST {Entity}Webhooks/{id}/Fields, UdfFields, ExcludedResources), and then
// activates it, so that a partly configured webhook never calls.
//
// If there is one, Ensure writes its settings again, including the secret, adds
// missing fields, and removes fields that the Subscription does not have. An active
// webhook stays active meanwhile, so that no event is missed.
//
// Finally, it reads the webhook back, and once more if anything had to be written. If
// Autotask accepted a setting or a field's flag but did not keep it, the error is
// ErrNotApplied. The secret is compared only if the webhook shows it, which is not
// documented. If it shows none, or a row of asterisks, a secret that was not kept
// shows only when calls are answered with 401.
//
// By default no security level allows its users to create webhooks, and an entity can
// have 50 active ones; the error is then Autotask's refusal.
//
// An error part-way says what the webhook has been given and is returned with its id,
// which is 0 if there is none or the answer to its creation was lost. Ensure resumes
// from there when called again; or remove the webhook with
// autotask.Delete[entity.TicketWebhook] or the type of its entity. An Error from
// Ensure has no Sent that holds the secret. Do not call Ensure concurrently for the
// same webhook: both calls may create it.
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

// check returns what is wrong with a Subscription by itself. It shows no addresses,
// which may hold tokens.
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
	refuse(i < 0, fmt.Sprintf("the entity %.60q has no webhooks; these have: %s", s.Entity, kindNames()))
	refuse(strings.TrimSpace(s.Name) == "", "the Name is empty")
	refuse(fields.Length(s.Name) > maxNameLength, fmt.Sprintf("the Name has %d characters, the limit is %d", fields.Length(s.Name), maxNameLength))
	refuse(!isAddress(s.URL, "https"), "the URL must be a complete https address")
	refuse(fields.Length(s.URL) > maxURLLength, fmt.Sprintf("the URL has %d characters, the limit is %d", fields.Length(s.URL), maxURLLength))
	refuse(!isAddress(s.DeactivationURL, "https", "http"), "the DeactivationURL must be a complete http or https address")
	secret := checkSecret(s.Secret)
	refuse(secret != "", "the Secret "+secret)
	refuse(s.OwnerResourceID < 0, "the OwnerResourceID is not an id")
	refuse(slices.ContainsFunc(s.ExcludedResources, func(id int64) bool { return id <= 0 }), "one of the ExcludedResources is not an id")
	refuse(!s.OnCreate && !s.OnUpdate && !s.OnDelete, "no action triggers an event: set OnCreate, OnUpdate or OnDelete")
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

// ensuring is the state of one call of Ensure.
type ensuring struct {
	Subscription

	kind   kind
	client *autotask.Client
	id     int64
	given  []string // the settings, fields and resources that are as they should be
}

// wanted returns the rows that there should be. Each field is looked up by itself, so
// that all wrong names are reported together; the picklist is read only once.
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

// findOrCreate leaves a webhook with all settings except isActive.
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

// set sets all settings except isActive.
func (e *ensuring) set(h *entity.TicketWebhook) {
	e.setPlain(h)
	h.WebhookURL.Set(e.URL)
	h.DeactivationURL.Set(e.DeactivationURL)
	h.SecretKey.Set(e.Secret)
}

// setPlain sets the settings that an error may show.
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

// finish compares the addresses and the secret with what was written, and leaves the
// rest to Update, whose errors show values.
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
		return fmt.Errorf("%w: Autotask accepted the settings but did not keep %s", autotask.ErrNotApplied, strings.Join(differ, " and "))
	}
	e.setPlain(h)
	h.IsActive.Set(true)
	return nil
}

// align makes the webhook's rows of one collection match wanted. It adds what is
// missing before it removes what is surplus, so that an active webhook never lacks
// both the old and the new.
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

// explain adds to an error what was done to the webhook before it.
func (e *ensuring) explain(err error) error {
	done := "has been given " + strings.Join(e.given, ", ") + "; call Ensure again to continue"
	switch {
	case e.id == 0:
		return err
	case len(e.given) > 0:
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		done = "existed already and may have its new settings; nothing else was changed"
	default:
		done = "existed already; nothing was changed"
	}
	return fmt.Errorf("webhook: %sWebhook %d %s: %w", e.kind.entity, e.id, done, err)
}
