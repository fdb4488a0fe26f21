package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

// right is an entity that doctor looks at, and what for.
type right struct {
	collection string
	write      bool   // creating or changing rows matters, too
	why        string // it matters
}

var rights = []right{
	{"Tickets", true, "resolving tickets and alerts"},
	{"TicketNotes", true, "notes of resolutions and alerts"},
	{"TimeEntries", false, "the status of a ticket depends on them"},
	{"Companies", false, "alerts look companies up"},
	{"Contacts", false, "alerts look companies up by them"},
	{"Resources", false, "the people in reports"},
	{"ConfigurationItems", false, "reports"},
	{"Contracts", false, "reports"},
	{"Projects", false, "reports"},
	{"Tasks", false, "reports"},
}

// all makes the checks that need a login.
func (v *visit) all(ctx context.Context) error {
	checks := []func(context.Context) (finding, error){v.clock}
	for _, r := range rights {
		checks = append(checks, func(ctx context.Context) (finding, error) { return v.right(ctx, r) })
	}
	checks = append(checks, v.statusCheck, v.webhooks, v.deletionLog, v.duplicates, v.budget)
	for _, check := range checks {
		f, err := check(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && (errors.Is(err, autotask.ErrUnauthorized) || errors.Is(err, autotask.ErrRateLimited)):
			return err
		case err != nil:
			f.Verdict, f.Detail = bad, short(err)
		}
		if err := v.say1(f); err != nil {
			return err
		}
	}
	return nil
}

// clock compares the clocks. The library allows for a minute.
func (v *visit) clock(context.Context) (finding, error) {
	p := &v.probe
	p.mu.Lock()
	defer p.mu.Unlock()
	f := finding{Check: "clock", Verdict: good}
	if !p.dated {
		f.Verdict, f.Detail = warn, "the answers have no Date header, so the difference is not known"
		f.Todo = "Find out whether a proxy removes the header. Without it, each run of changes reads everything."
		return f, nil
	}
	ahead := v.offset(p.ahead)
	f.Detail = fmt.Sprintf("Autotask is %v %s this machine (within %v)", ahead.Abs().Round(100*time.Millisecond), aheadWord(ahead), p.margin.Round(100*time.Millisecond))
	if ahead.Abs()-p.margin > time.Minute {
		f.Verdict, f.Todo = warn, "Set this machine's clock by NTP: notes of repeated work are recognised by time."
	}
	if ahead.Abs() <= p.margin {
		f.Detail = fmt.Sprintf("no difference (within %v)", p.margin.Round(100*time.Millisecond))
	}
	return f, nil
}

// offset is a difference of clocks as the program sees it: the fake tenant of a test
// has a clock of its own.
func (v *visit) offset(ahead time.Duration) time.Duration {
	if v.fakeClock != nil {
		return 0
	}
	return ahead
}

func aheadWord(d time.Duration) string {
	if d < 0 {
		return "behind"
	}
	return "ahead of"
}

// right checks what can be done with an entity.
func (v *visit) right(ctx context.Context, r right) (finding, error) {
	f := finding{Check: r.collection, Verdict: good}
	level := bad
	if r.why == "reports" {
		level = warn // the module may be off on purpose
	}
	info, err := v.client.Metadata.Entity(ctx, r.collection)
	switch {
	case errors.Is(err, autotask.ErrPermission), errors.Is(err, autotask.ErrNotFound), errors.Is(err, autotask.ErrInvalid):
		f.Verdict, f.Detail = level, "not available: "+short(err)
		f.Todo = "Turn the module on in the security level of the API user, if you need it: " + r.why + "."
		return f, nil
	case err != nil:
		return f, err
	case !info.CanQuery:
		f.Verdict, f.Detail = level, "cannot be queried"
		f.Todo = "Allow the API user's security level to view " + r.collection + ": " + r.why + "."
		return f, nil
	}
	n, err := v.client.Collection(r.collection).Count(ctx, autotask.Query{})
	if errors.Is(err, autotask.ErrPermission) {
		f.Verdict, f.Detail = level, "reading is refused: "+short(err)
		f.Todo = "Allow the API user's security level to view " + r.collection + ": " + r.why + "."
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Detail = english.Plural(n, "row", "rows") + "; " + can(info)
	switch {
	case r.write && (!info.CanCreate || !info.CanUpdate):
		f.Verdict, f.Todo = bad, "Allow the API user's security level to add and edit "+r.collection+": "+r.why+"."
	case n == 0:
		f.Verdict = warn
		f.Todo = "If there are " + r.collection + " in the web interface, the security level hides them: a user without the right may see no rows instead of an error."
	}
	return f, nil
}

// can lists what Autotask says that the user can do.
func can(info *autotask.EntityInfo) string {
	var verbs []string
	for _, v := range []struct {
		can  bool
		verb string
	}{{info.CanQuery, "query"}, {info.CanCreate, "create"}, {info.CanUpdate, "update"}, {info.CanDelete, "delete"}} {
		if v.can {
			verbs = append(verbs, v.verb)
		}
	}
	return "can " + and(verbs)
}

// statusCheck looks for statuses that look like a resolution and are none.
func (v *visit) statusCheck(ctx context.Context) (finding, error) {
	f := finding{Check: "ticket statuses", Verdict: good, Todo: ""}
	all, err := v.client.Tickets.StatusSemantics(ctx)
	if err != nil {
		f.Todo = "Look at the error with: autotask statuses"
		return f, err
	}
	var resolving, misleading []string
	complete := autotask.EvidenceNone
	for _, s := range all {
		name := fmt.Sprintf("%d (%s)", s.Status, s.Label)
		switch {
		case s.SetsTimestamps == autotask.EvidenceSets:
			resolving = append(resolving, name)
		case s.Tickets > 0 && s.Status != autotask.StatusComplete && strings.HasPrefix(strings.ToLower(s.Label), "complete"):
			misleading = append(misleading, name)
		}
		if s.Status == autotask.StatusComplete {
			complete = s.SetsTimestamps
		}
	}
	switch {
	case len(resolving) > 0:
		f.Detail = "resolving: " + and(resolving)
	default:
		f.Verdict, f.Detail = warn, "no ticket shows a status that resolves it"
		f.Todo = "Resolve one ticket with status 5 in the web interface, and look at: autotask statuses"
	}
	if complete == autotask.EvidenceDoesNotSet || complete == autotask.EvidenceMixed {
		f.Verdict = warn
		f.Detail += fmt.Sprintf("; tickets with status %d: %s", autotask.StatusComplete, complete)
		f.Todo = "Look at the tickets with status 5: something reopens them, or workflow rules change their dates. See: autotask statuses"
	}
	if len(misleading) > 0 {
		f.Detail += "; labelled as complete, and not resolving: " + and(misleading)
		if f.Verdict == good {
			f.Verdict, f.Todo = warn, "Do not use "+and(misleading)+" to resolve tickets: the dates of the resolution stay empty."
		}
	}
	return f, nil
}

// webhooks checks the right to set up webhooks, as far as Autotask tells.
func (v *visit) webhooks(ctx context.Context) (finding, error) {
	f := finding{Check: "webhooks", Verdict: good}
	const todo = "To receive webhooks, allow creating them in the security level of the API user: by default none does. Changes are found without them, too."
	info, err := v.client.Metadata.Entity(ctx, "TicketWebhooks")
	if err == nil && info.CanQuery && info.CanCreate {
		var n int64
		if n, err = v.client.Collection("TicketWebhooks").Count(ctx, autotask.Query{}); err == nil {
			f.Detail = english.Plural(n, "webhook", "webhooks") + " on tickets; " + can(info) + ", as Autotask says"
			return f, nil
		}
	}
	switch {
	case err == nil:
		f.Verdict, f.Detail, f.Todo = warn, can(info)+" of TicketWebhooks", todo
	case errors.Is(err, autotask.ErrPermission), errors.Is(err, autotask.ErrNotFound), errors.Is(err, autotask.ErrInvalid):
		f.Verdict, f.Detail, f.Todo = warn, "refused: "+short(err), todo
	default:
		return f, err
	}
	return f, nil
}

// deletionLog checks the right to read the log of deleted tickets.
func (v *visit) deletionLog(ctx context.Context) (finding, error) {
	f := finding{Check: "deletion log", Verdict: good}
	n, err := v.client.Collection("DeletedTicketLogs").Count(ctx, autotask.Query{})
	switch {
	case errors.Is(err, autotask.ErrPermission), errors.Is(err, autotask.ErrNotFound), errors.Is(err, autotask.ErrInvalid):
		f.Verdict, f.Detail = warn, "refused: "+short(err)
		f.Todo = "It takes the rights of an administrator. Deletions are found by counting without it, which is what changes does."
	case err != nil:
		return f, err
	case n == 0:
		f.Verdict, f.Detail = unknown, "no rows: nothing was deleted, or the user may not see the log"
		f.Todo = "Nothing, unless you know of deleted tickets. Deletions are found by counting, too."
	default:
		f.Detail = english.Plural(n, "deleted ticket", "deleted tickets") + " logged"
	}
	return f, nil
}

// duplicates says what can be known about Duplicate Ticket Handling. The API shows no
// setting of it (docs/api-notes.md, section 7.8).
func (v *visit) duplicates(ctx context.Context) (finding, error) {
	f := finding{
		Check: "duplicate handling", Verdict: unknown, Detail: "the API does not show this setting",
		Todo: "Look at Duplicate Ticket Handling in the settings of the service desk. If it is on, a new ticket may be answered with an old one of the same ticket number, alert id or \"… Ticket ID\" field; alert notices that and reports \"appended\".",
	}
	udfs, err := v.client.Metadata.UDFs(ctx, "Tickets")
	if err != nil {
		return f, err
	}
	for _, u := range udfs {
		if strings.HasSuffix(u.Name, "Ticket ID") {
			f.Detail += fmt.Sprintf("; tickets have the user-defined field %q, by which it works", u.Name)
		}
	}
	return f, nil
}

// budget says how much of the hour is used, and by whom. Autotask counts the tenant as
// a whole: what is not this program's is the others'.
func (v *visit) budget(ctx context.Context) (finding, error) {
	f := finding{Check: "budget", Verdict: good}
	mine := v.requests.n.Load()
	now, err := v.client.Threshold(ctx)
	if err != nil {
		return f, err
	}
	own := v.requests.n.Load()
	f.Detail = fmt.Sprintf("%s of %s requests used in %v, %d %%", english.Thousands(now.Used), english.Thousands(now.Limit), now.Window, int(now.Fraction()*100))
	others := now.Used - own
	took := v.now().Sub(v.began).Round(time.Second)
	f.Detail += fmt.Sprintf("; %s by this check, %s by other integrations and earlier runs", english.Thousands(own), english.Thousands(max(others, 0)))
	if grown := now.Used - v.first.Used - (own - 1); mine > 0 && grown > 0 {
		f.Detail += fmt.Sprintf(", %s of them in the %v of this check", english.Thousands(grown), max(took, time.Second))
	}
	switch {
	case now.Fraction() >= 0.75:
		f.Verdict = warn
		f.Todo = "From three quarters on Autotask delays each answer by a second. Autotask does not say which integration it is: compare the numbers with single integrations off, or look at the API users' activity in the web interface. Use -reserve in resolve-all and -budget in changes."
	case now.Fraction() >= 0.5:
		f.Verdict = warn
		f.Todo = "From half of the limit on Autotask delays each answer by half a second. Use -reserve in resolve-all and -budget in changes."
	}
	return f, nil
}
