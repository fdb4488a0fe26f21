package conformance

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The run's own ticket: how it is made, read, written and resolved.

const (
	complete       = 5 // the only status that is validated to resolve a ticket
	finishRequests = 4

	ownDescription = "Made by a conformance check of the Autotask API, which resolves it. It can be ignored."
)

// ownTicket is the ticket that the run made.
type ownTicket struct {
	id     int64
	number string
	mark   string
	item   obj   // as read after it was made
	sent   obj   // as it was sent
	status int64 // open

	hidden   bool // queries do not find it
	whole    bool // the tenant refuses a PUT of the stabilising fields alone
	noteID   int64
	noteLag  string
	resolved bool
	stamps   []stamp
}

// stamp is what the ticket's stamps were after a step.
type stamp struct {
	after             string
	tracked, activity string
}

// create makes the ticket. It returns what the answer was, if there was one.
func (r *run) create(ctx context.Context) (*answer, error) {
	if err := r.companyExists(ctx); err != nil {
		return nil, err
	}
	fields, err := r.newTicket(ctx)
	if err != nil {
		return nil, err
	}
	r.plan(r.writePlan(fields))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	mark := text(fields["title"])
	mark = mark[strings.LastIndex(mark, " ")+1:]
	r.report.Ticket = &Ticket{Mark: mark}
	a, err := r.send(ctx, request{method: http.MethodPost, path: "Tickets", body: fields, write: true})
	if err != nil {
		return nil, r.afterLostCreate(ctx, mark, err)
	}
	if a.status != http.StatusOK {
		r.report.Ticket = nil
		return nil, r.refusedTicket(ctx, a)
	}
	id, ok := whole(a.data["itemId"])
	if !ok {
		return nil, r.afterLostCreate(ctx, mark, failf("the answer has no itemId: %s", a.describe()))
	}
	return a, r.claim(ctx, id, mark, fields)
}

// claim reads the ticket and takes it only if it is the run's own: a tenant with
// Duplicate Ticket Handling may answer with a ticket that was there.
func (r *run) claim(ctx context.Context, id int64, mark string, sent obj) error {
	var item obj
	for i := range 3 {
		if i > 0 {
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
		}
		a, err := r.get(ctx, fmt.Sprintf("Tickets/%d", id))
		if err != nil {
			return err
		}
		if item = itemOf(a); item != nil {
			break
		}
	}
	if !strings.Contains(text(item["title"]), mark) {
		r.report.Ticket = nil
		if item == nil {
			r.report.Ticket = &Ticket{ID: id, Mark: mark}
		}
		r.noWrites = "the ticket that the tenant named is not the run's own, or cannot be read"
		return failf("the ticket that the tenant named is not the one that was sent, as under Duplicate Ticket Handling, or cannot be read; nothing was written to it")
	}
	status, _ := whole(item["status"])
	r.own = &ownTicket{id: id, number: text(item["ticketNumber"]), mark: mark, item: item, sent: sent, status: status}
	r.report.Ticket.ID = id
	r.stamp("it was made", item)
	return nil
}

// afterLostCreate looks once for a ticket whose answer was lost. It is named in
// the report, and not written to: what else is on its way is not known.
func (r *run) afterLostCreate(ctx context.Context, mark string, cause error) error {
	if ctx.Err() != nil || errors.Is(cause, ErrLogin) {
		return cause
	}
	rows, _, err := r.query(ctx, "Tickets", with(filter(condition("contains", "title", mark)), obj{"IncludeFields": []string{"id", "title"}}))
	if err == nil && len(rows) == 1 && strings.Contains(text(rows[0]["title"]), mark) {
		r.report.Ticket.ID, _ = whole(rows[0]["id"])
	}
	r.noWrites = "nothing is written after a write whose answer was lost"
	return cause
}

func (r *run) refusedTicket(ctx context.Context, a *answer) error {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return err
	}
	names := "no field that every tenant has"
	if found := l.named(a.errors()); len(found) > 0 {
		names = strings.Join(found, ", ")
	}
	return r.cannotWrite("the tenant refused the ticket: %s, naming %s; see Options.Fields", a.describe(), names)
}

// cannotWrite ends all writing before it began.
func (r *run) cannotWrite(format string, args ...any) error {
	r.noWrites = fmt.Sprintf(format, args...)
	return skip(r.noWrites)
}

func (r *run) companyExists(ctx context.Context) error {
	a, err := r.get(ctx, fmt.Sprintf("Companies/%d", r.options.CompanyID))
	if err != nil {
		return err
	}
	if a.status == http.StatusOK && itemOf(a) == nil {
		return r.cannotWrite("this user sees no company with the given id")
	}
	return nil // who may not read companies may still make tickets
}

// newTicket takes every value from the tenant's metadata or from the caller.
func (r *run) newTicket(ctx context.Context) (obj, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return nil, err
	}
	status, err := r.openStatus(l)
	if err != nil {
		return nil, err
	}
	var nonce [6]byte
	_, _ = rand.Read(nonce[:]) // never fails
	t := obj{
		"companyID": r.options.CompanyID, "status": status,
		"title":       "API conformance check, can be ignored: conformance-" + hex.EncodeToString(nonce[:]),
		"description": ownDescription,
		"dueDateTime": time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z"),
	}
	for _, name := range []string{"priority", "queueID", "source"} {
		setPick(t, l, name)
	}
	setIssue(t, l)
	for _, f := range l {
		if _, given := r.options.Fields[f.name]; f.required && !f.readOnly && f.picklist && !given {
			if name := canonical(ticketFields, f.name); t[name] == nil {
				setPick(t, l, name)
			}
		}
	}
	maps.Copy(t, r.options.Fields)
	// What marks the ticket as the run's own is not the caller's.
	t["companyID"] = r.options.CompanyID
	for _, f := range l {
		if name := canonical(keysOf(t), f.name); f.required && !f.readOnly && t[name] == nil {
			shown := "a field"
			if slices.Contains(ticketFields, name) {
				shown = name
			}
			return nil, r.cannotWrite("the tenant requires %s, which cannot be taken from its metadata; see Options.Fields", shown)
		}
	}
	if title := text(t["title"]); !strings.HasSuffix(title, hex.EncodeToString(nonce[:])) {
		return nil, r.cannotWrite("Options.Fields must not have a title")
	}
	return t, nil
}

// openStatus is New, or what the tenant has in its place. Without an active
// status 5 the ticket could not be resolved.
func (r *run) openStatus(l fieldList) (int64, error) {
	f, _ := l.find("status")
	var open []int64
	completes := false
	for _, v := range f.values {
		id, ok := whole(v["value"])
		switch {
		case !ok || !isActive(v):
		case id == complete:
			completes = true
		case id == 1 || isTrue(v["isDefaultValue"]):
			open = slices.Insert(open, 0, id)
		default:
			open = append(open, id)
		}
	}
	if !completes || len(open) == 0 {
		return 0, r.cannotWrite("the tenant has no active status 5, so a ticket could not be resolved")
	}
	if slices.Contains(open, 1) {
		return 1, nil
	}
	return open[0], nil
}

// setPick sets a picklist field to its default, or to its first active value.
func setPick(t obj, l fieldList, name string) {
	f, ok := l.find(name)
	if !ok || f.readOnly {
		return
	}
	parent := ""
	if f.parent != "" {
		id, ok := whole(t[canonical(keysOf(t), f.parent)])
		if !ok {
			return
		}
		parent = fmt.Sprint(id)
	}
	if id, ok := firstChoice(f.values, parent); ok {
		t[name] = id
	}
}

// firstChoice prefers the default, then what is not the system's own.
func firstChoice(values []obj, parent string) (int64, bool) {
	best, rank := int64(0), 0
	for _, v := range values {
		id, ok := whole(v["value"])
		if !ok || !isActive(v) || parent != "" && text(v["parentValue"]) != parent {
			continue
		}
		this := 1
		switch {
		case isTrue(v["isDefaultValue"]):
			this = 3
		case !isTrue(v["isSystem"]):
			this = 2
		}
		if this > rank {
			best, rank = id, this
		}
	}
	return best, rank > 0
}

// setIssue sets issueType and subIssueType, which belong together.
func setIssue(t obj, l fieldList) {
	f, ok := l.find("issueType")
	if !ok || f.readOnly {
		return
	}
	sub, _ := l.find("subIssueType")
	for _, v := range f.values {
		id, ok := whole(v["value"])
		if !ok || !isActive(v) {
			continue
		}
		if below, ok := firstChoice(sub.values, fmt.Sprint(id)); ok {
			t["issueType"], t["subIssueType"] = id, below
			return
		}
	}
	setPick(t, l, "issueType")
}

func (r *run) writePlan(t obj) string {
	chosen := make([]string, 0, len(t))
	for _, name := range keysOf(t) {
		if id, ok := t[name].(int64); ok {
			chosen = append(chosen, fmt.Sprintf("%s %d", name, id))
		}
	}
	lines := []string{
		fmt.Sprintf("One new ticket, “%s”, with %s.", text(t["title"]), strings.Join(chosen, ", ")),
	}
	if len(r.options.Fields) > 0 {
		lines = append(lines, "Set by Options.Fields: "+strings.Join(keysOf(r.options.Fields), ", ")+".")
	}
	return strings.Join(append(lines,
		"On it: notes, PUTs of its resolution and status, and PUTs that must be refused.",
		"In the end it is resolved with status 5. No other row is written, and no PATCH or DELETE is sent."), "\n")
}

// fresh reads the own ticket.
func (r *run) fresh(ctx context.Context) (obj, error) {
	if r.own == nil {
		return nil, skip("there is no ticket of the run's own")
	}
	a, err := r.get(ctx, fmt.Sprintf("Tickets/%d", r.own.id))
	if err != nil {
		return nil, err
	}
	if err := granted(a, "read a ticket"); err != nil {
		return nil, err
	}
	item := itemOf(a)
	if item == nil {
		return nil, failf("the own ticket is not under item")
	}
	return item, nil
}

// payload is the body of a PUT: the stabilising fields as read, and the change.
// Where a tenant refuses that, it is everything that can be written.
func (r *run) payload(item, change obj) obj {
	body := pick(item, stabilising)
	if r.own.whole {
		for name, v := range item {
			if f, ok := r.fields["Tickets"].find(name); ok && !f.readOnly || name == "userDefinedFields" {
				body[name] = v
			}
		}
	}
	for name := range r.options.Fields {
		if v, ok := item[name]; ok {
			body[name] = v
		}
	}
	maps.Copy(body, change)
	return body
}

func (r *run) put(ctx context.Context, body obj) (*answer, error) {
	return r.send(ctx, request{method: http.MethodPut, path: "Tickets", body: body, write: true})
}

// update is GET, change, PUT, GET.
func (r *run) update(ctx context.Context, change obj) (before, after obj, err error) {
	before, err = r.fresh(ctx)
	if err != nil {
		return nil, nil, err
	}
	a, err := r.put(ctx, r.payload(before, change))
	if err != nil {
		return nil, nil, err
	}
	if err := r.accepted(a); err != nil {
		return nil, nil, err
	}
	after, err = r.fresh(ctx)
	return before, after, err
}

// accepted demands 200 with the own ticket's id.
func (r *run) accepted(a *answer) error {
	if a.status != http.StatusOK {
		names := r.fields["Tickets"].named(a.errors())
		return failf("the PUT was refused: %s; fields it names: %s", a.describe(), strings.Join(names, ", "))
	}
	if id, ok := whole(a.data["itemId"]); !ok || id != r.own.id {
		return failf("the answer has no itemId of the ticket: %s", a.describe())
	}
	return nil
}

// restore writes what a PUT that should have been refused has changed.
func (r *run) restore(ctx context.Context, as obj) error {
	now, err := r.fresh(ctx)
	if err != nil {
		return err
	}
	names := append(slices.Clone(stabilising), "resolution")
	if len(changed(as, now, names)) == 0 {
		return nil
	}
	body := r.payload(now, pick(as, names))
	a, err := r.put(ctx, body)
	if err != nil {
		return err
	}
	return r.accepted(a)
}

func (r *run) stamp(after string, item obj) {
	r.own.stamps = append(r.own.stamps, stamp{after, text(item["lastTrackedModificationDateTime"]), text(item["lastActivityDate"])})
}

// poll asks until a row is found, and says how long it took.
func (r *run) poll(ctx context.Context, collection string, query obj, id int64) (lag time.Duration, found bool, err error) {
	begun := time.Now()
	for wait := time.Second; ; wait *= 2 {
		rows, _, err := r.query(ctx, collection, query)
		if err != nil {
			return 0, false, err
		}
		lag = time.Since(begun)
		if slices.Contains(ids(rows), id) {
			return lag, true, nil
		}
		if wait > longestWait {
			return lag, false, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, false, err
		}
	}
}

const (
	longestWait  = 16 * time.Second // 1, 2, 4, 8 and 16: half a minute
	pollRequests = 6
)

func sayLag(lag time.Duration, found bool) string {
	switch {
	case !found:
		return fmt.Sprintf("not within %.0f seconds", lag.Seconds())
	case lag < time.Second:
		return "at once"
	}
	return fmt.Sprintf("after at most %.0f seconds", lag.Seconds())
}

// finish resolves the own ticket if a check has not, and says what became of it.
func (r *run) finish(ctx context.Context) {
	switch {
	case !r.options.Write:
		return
	case r.report.Ticket == nil:
		if r.stopped == "" {
			r.err = errors.Join(r.err, fmt.Errorf("%w: %s", ErrNoTicket, cmp.Or(r.noWrites, "see the check notes/2.4/create")))
		}
		return
	}
	if r.own != nil && r.stopped == "" && ctx.Err() == nil {
		r.own.resolved = r.resolve(ctx)
	}
	r.report.Ticket.Resolved = r.own != nil && r.own.resolved
	if !r.report.Ticket.Resolved {
		r.err = errors.Join(r.err, ErrTicketLeft)
	}
}

// resolve reports whether the ticket is resolved in the end. After a write whose
// answer was lost it only reads.
func (r *run) resolve(ctx context.Context) bool {
	item, err := r.fresh(ctx)
	if err != nil {
		return false
	}
	if isResolved(item) || r.noWrites != "" {
		return isResolved(item)
	}
	_, item, err = r.update(ctx, obj{"status": complete})
	return err == nil && isResolved(item)
}

func isResolved(item obj) bool {
	return !empty(item["completedDate"]) && !empty(item["resolvedDateTime"])
}
