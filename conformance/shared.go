package conformance

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What several checks need: rows, metadata, a sample of tickets.

const noTickets = "this user sees no ticket, or too few"

func (r *run) get(ctx context.Context, path string) (*answer, error) {
	return r.send(ctx, request{method: http.MethodGet, path: path})
}

func (r *run) postQuery(ctx context.Context, collection string, query any) (*answer, error) {
	return r.send(ctx, request{method: http.MethodPost, path: collection + "/query", body: query})
}

// query returns the rows of the first page.
func (r *run) query(ctx context.Context, collection string, query any) ([]obj, *answer, error) {
	a, err := r.postQuery(ctx, collection, query)
	if err != nil {
		return nil, nil, err
	}
	if err := granted(a, "query "+collection); err != nil {
		return nil, nil, err
	}
	rows, ok := objects(a.data["items"])
	if !ok {
		return nil, nil, failf("the answer has no items: %s", a.describe())
	}
	return rows, a, nil
}

// granted demands a 200; a refusal for rights is no fault of the tenant.
func granted(a *answer, what string) error {
	switch {
	case a.denied():
		return skipf("this user may not %s", what)
	case a.status != http.StatusOK:
		return failf("not answered with 200: %s", a.describe())
	case a.data == nil:
		return failf("the answer is no JSON object: %s", a.describe())
	}
	return nil
}

// queryCount asks how many rows match.
func (r *run) queryCount(ctx context.Context, collection string, query any) (int64, error) {
	a, err := r.send(ctx, request{method: http.MethodPost, path: collection + "/query/count", body: query})
	if err != nil {
		return 0, err
	}
	if err := granted(a, "count "+collection); err != nil {
		return 0, err
	}
	n, ok := whole(a.data["queryCount"])
	if !ok || !isNumber(a.data["queryCount"]) {
		return 0, failf("the answer has no number queryCount: %s", a.describe())
	}
	return n, nil
}

// field is what the metadata says of a field.
type field struct {
	name, dataType                string
	length                        int64
	required, readOnly, queryable bool
	picklist                      bool
	parent                        string
	values                        []obj
	raw                           obj
}

// fieldList has the fields of a collection in order, found in any casing.
type fieldList []field

func (l fieldList) find(name string) (field, bool) {
	i := slices.IndexFunc(l, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return field{}, false
	}
	return l[i], true
}

// named returns the names of ticket fields in a tenant's texts: the only part of
// them that a report may show.
func named(texts []string) []string {
	var all []string
	for _, t := range texts {
		words := strings.FieldsFunc(t, func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') })
		for _, name := range ticketFields {
			says := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, name) })
			if says && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

const fieldsPath = "/entityInformation/fields"

// fieldsOf reads the metadata of a collection once.
func (r *run) fieldsOf(ctx context.Context, collection string) (fieldList, error) {
	if l, ok := r.fields[collection]; ok {
		return l, nil
	}
	a, err := r.get(ctx, collection+fieldsPath)
	if err != nil {
		return nil, err
	}
	if err := granted(a, "read the fields of "+collection); err != nil {
		return nil, err
	}
	list, ok := objects(a.data["fields"])
	if !ok || len(list) == 0 {
		return nil, failf("the answer has no fields: %s", a.describe())
	}
	l := make(fieldList, 0, len(list))
	for _, o := range list {
		f := field{
			name: text(o["name"]), dataType: text(o["dataType"]), parent: text(o["picklistParentValueField"]), raw: o,
			required: isTrue(o["isRequired"]), readOnly: isTrue(o["isReadOnly"]), queryable: isTrue(o["isQueryable"]), picklist: isTrue(o["isPickList"]),
		}
		f.length, _ = whole(o["length"])
		f.values, _ = objects(o["picklistValues"])
		l = append(l, f)
	}
	r.fields[collection] = l
	return l, nil
}

// sampleRows are the first tickets that this user sees, whole. They are only read.
type sampleRows struct {
	rows    []obj // in the order of their ids
	ordered bool  // as they came
	answer  *answer
}

// sample reads the first tickets once, and demands at least n.
func (r *run) sample(ctx context.Context, n int) ([]obj, error) {
	if r.samples == nil {
		rows, a, err := r.query(ctx, "Tickets", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": sampleSize}))
		if err != nil {
			return nil, err
		}
		ordered := slices.IsSorted(ids(rows))
		slices.SortFunc(rows, func(a, b obj) int { return cmp.Compare(idOf(a), idOf(b)) })
		r.samples = &sampleRows{rows, ordered, a}
	}
	if len(r.samples.rows) < n {
		return nil, skip(noTickets)
	}
	return r.samples.rows, nil
}

// describedSample returns the fields of tickets, and at least one ticket.
func (r *run) describedSample(ctx context.Context) (fieldList, []obj, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return nil, nil, err
	}
	rows, err := r.sample(ctx, 1)
	return l, rows, err
}

const sampleSize = 5

// ticket returns id and number of one ticket: the run's own, if it has one.
func (r *run) ticket(ctx context.Context) (id int64, number string, err error) {
	if r.own != nil && !r.own.hidden {
		return r.own.id, r.own.number, nil
	}
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return 0, "", err
	}
	id, ok := whole(rows[0]["id"])
	if !ok {
		return 0, "", failf("a ticket has no id")
	}
	return id, text(rows[0]["ticketNumber"]), nil
}

func instant(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func percent(n, of int) string { return fmt.Sprintf("%d of %d", n, of) }

// lag is how long queries took to find a row.
type lag struct {
	took  time.Duration
	tries int
	found bool
}

func (l lag) atOnce() bool { return l.found && l.tries == 1 }

func (l lag) String() string {
	switch {
	case l.atOnce():
		return "at once"
	case l.found:
		return fmt.Sprintf("after at most %.0f seconds", l.took.Seconds())
	}
	return fmt.Sprintf("not within %.0f seconds", l.took.Seconds())
}

const (
	longestWait  = 16 * time.Second // 1, 2, 4, 8 and 16: half a minute
	pollRequests = 6
)

// poll asks until a row is found.
func (r *run) poll(ctx context.Context, collection string, query obj, id int64) (lag, error) {
	begun := time.Now()
	for l, wait := (lag{tries: 1}), time.Second; ; l.tries, wait = l.tries+1, wait*2 {
		rows, _, err := r.query(ctx, collection, query)
		if err != nil {
			return lag{}, err
		}
		l.took = time.Since(begun)
		l.found = slices.Contains(ids(rows), id)
		if l.found || wait > longestWait {
			return l, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return lag{}, err
		}
	}
}
