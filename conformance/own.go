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
	complete       = 5  // the only status that is validated to resolve a ticket
	finishRequests = 12 // four, each at the third attempt

	ownDescription = "Made by a conformance check of the Autotask API, which resolves it. It can be ignored."
)

// ownTicket is the ticket that the run made.
type ownTicket struct {
	id     int64
	number string
	mark   string
	item   obj // as read after it was made
	sent   obj // as it was sent
	before obj // as read before the last note or update
	puts   int // that were accepted
	notes  int // that were accepted

	refused bool  // no PUT was accepted when one should have been
	status  int64 // open

	hidden   bool // queries do not find it
	whole    bool // the tenant refuses a PUT of the stabilising fields alone
	noteID   int64
	notesLag bool // queries find a new note only after a while
	resolved bool
	library  bool     // the library has resolved it
	stamps   []string // what each step did to the stamps
}

// create makes the ticket. It returns what the answer was, if there was one.
func (r *run) create(ctx context.Context) (*answer, error) {
	if err := r.companyExists(ctx); err != nil {
		return nil, err
	}
	if _, err := r.sample(ctx, 0); err != nil {
		var unseen skip
		if errors.As(err, &unseen) {
			return nil, r.cannotWrite("%s, and so could not look after one", unseen)
		}
		return nil, err
	}
	fields, err := r.newTicket(ctx)
	if err != nil {
		return nil, err
	}
	// Where they cannot be read, the checks of notes say so.
	note, err := r.noteValues(ctx)
	var (
		unable skip
		wrong  mismatch
	)
	if err != nil && !errors.As(err, &unable) && !errors.As(err, &wrong) {
		return nil, err
	}
	r.plan(r.writePlan(fields, note))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	mark := text(fields["title"])
	mark = mark[strings.LastIndex(mark, " ")+1:]
	r.report.Ticket = &Ticket{Mark: mark}
	a, err := r.send(ctx, request{method: http.MethodPost, path: "Tickets", body: fields, write: true})
	var gone lost
	switch {
	case errors.As(err, &gone):
		return nil, r.afterLostCreate(ctx, mark, err)
	case err != nil: // it was turned away, or never sent
		r.report.Ticket = nil
		return nil, err
	}
	if a.status != http.StatusOK {
		r.report.Ticket = nil
		return nil, r.refusedTicket(a)
	}
	id, ok := whole(a.data["itemId"])
	if !ok {
		return nil, r.afterLostCreate(ctx, mark, failf("the answer has no itemId: %s", a.describe()))
	}
	r.report.Ticket.ID = id
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
	if item == nil {
		return r.cannotWrite("the ticket that was made cannot be read")
	}
	if idOf(item) != id || !strings.Contains(text(item["title"]), mark) {
		r.report.Ticket = nil
		r.noWrites = "the ticket that the tenant named is not the one that was sent"
		return failf("%s, as under Duplicate Ticket Handling; nothing was written to it", r.noWrites)
	}
	status, _ := whole(item["status"])
	r.own = &ownTicket{id: id, number: text(item["ticketNumber"]), mark: mark, item: item, sent: sent, status: status}
	return nil
}

// afterLostCreate looks for a ticket whose answer was lost. It is named in
// the report, and not written to: what else is on its way is not known.
func (r *run) afterLostCreate(ctx context.Context, mark string, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	r.noWrites = "nothing is written after a write whose answer was lost"
	for i := range 3 {
		rows, _, err := r.query(ctx, "Tickets", with(filter(condition("contains", "title", mark)), obj{"IncludeFields": []string{"id", "title"}}))
		if err != nil {
			return cause
		}
		if len(rows) == 1 && strings.Contains(text(rows[0]["title"]), mark) {
			r.report.Ticket.ID = idOf(rows[0])
			return cause
		}
		if err := sleep(ctx, time.Duration(i+1)*5*time.Second); err != nil {
			return cause
		}
	}
	return cause
}

func (r *run) refusedTicket(a *answer) error {
	names := cmp.Or(strings.Join(named(a.errors()), ", "), "no field that every tenant has")
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
		if f.required && !f.readOnly && f.picklist {
			if name := canonical(ticketFields, f.name); t[name] == nil {
				setPick(t, l, name)
			}
		}
	}
	for name, v := range r.options.Fields {
		delete(t, canonical(keysOf(t), name)) // in whichever casing
		t[name] = v
	}
	for _, f := range l {
		if name := canonical(keysOf(t), f.name); f.required && !f.readOnly && t[name] == nil {
			shown := "a field"
			if slices.Contains(ticketFields, name) {
				shown = name
			}
			return nil, r.cannotWrite("the tenant requires %s, which cannot be taken from its metadata; see Options.Fields", shown)
		}
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

// chosen lists the ids among some values.
func chosen(values obj) string {
	var all []string
	for _, name := range keysOf(values) {
		if id, ok := values[name].(int64); ok {
			all = append(all, fmt.Sprintf("%s %d", name, id))
		}
	}
	return strings.Join(all, ", ")
}

func (r *run) writePlan(t, note obj) string {
	lines := []string{fmt.Sprintf("One new ticket, “%s”, with %s.", text(t["title"]), chosen(t))}
	if len(note) > 0 {
		lines = append(lines, "Notes on it, with "+chosen(note)+".")
	}
	if len(r.options.Fields) > 0 {
		lines = append(lines, "Set by Options.Fields: "+strings.Join(keysOf(r.options.Fields), ", ")+".")
	}
	return strings.Join(append(lines,
		"PUTs of its resolution and status, and PUTs that must be refused.",
		"In the end it is resolved with status 5. No other row is written, and no PATCH or DELETE is sent."), "\n")
}

// fresh reads the own ticket.
func (r *run) fresh(ctx context.Context) (obj, error) {
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
	if idOf(item) != r.own.id { // what is read is written back
		return nil, failf("another ticket came instead of the own one")
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
	for given := range r.options.Fields {
		name := canonical(keysOf(item), given)
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
func (r *run) update(ctx context.Context, change obj) (after obj, err error) {
	before, err := r.fresh(ctx)
	if err != nil {
		return nil, err
	}
	if r.own.refused {
		return nil, skip(noPut)
	}
	r.own.before = before
	a, err := r.put(ctx, r.payload(before, change))
	if err != nil {
		return nil, err
	}
	if err := r.accepted(a); err != nil {
		return nil, err
	}
	r.own.puts++
	return r.fresh(ctx)
}

const noPut = "no PUT of the ticket was accepted"

// accepted demands 200 with the own ticket's id.
func (r *run) accepted(a *answer) error {
	if a.denied() {
		return skip("this user may not update tickets")
	}
	if a.status != http.StatusOK {
		return failf("the PUT was refused: %s; fields it names: %s", a.describe(), cmp.Or(strings.Join(named(a.errors()), ", "), "none"))
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

// stamp says what the last note or update did to the ticket's stamps.
func (r *run) stamp(step string, item obj) {
	said := step + ":"
	for i, name := range []string{"lastTrackedModificationDateTime", "lastActivityDate"} {
		verb := "stays"
		if text(r.own.before[name]) != text(item[name]) {
			verb = "changes"
		}
		said += []string{" ", ", "}[i] + name + " " + verb
	}
	r.own.stamps = append(r.own.stamps, said)
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
	r.wire.max += finishRequests
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
	if isResolved(item) || r.lost {
		return isResolved(item)
	}
	r.own.refused = false // one last time
	item, err = r.update(ctx, obj{"status": complete})
	return err == nil && isResolved(item)
}

func isResolved(item obj) bool {
	return !empty(item["completedDate"]) && !empty(item["resolvedDateTime"])
}
