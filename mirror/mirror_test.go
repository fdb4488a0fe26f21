package mirror_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/mirror"
)

// tenant is a fake tenant whose clock can be put forward.
type tenant struct {
	*autotasktest.Server

	t        *testing.T
	client   *autotask.Client
	feed     changes.Options
	ahead    time.Duration
	requests int
	before   func() error // each request
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	x := &tenant{Server: autotasktest.NewInProcess(t), t: t, feed: changes.Options{Collections: []string{"Tickets"}}}
	x.SetThreshold(1_000_000, 0)
	x.SetClock(func() time.Time { return time.Now().Add(x.ahead) })
	x.client = x.InProcessClient(autotask.WithMaxRetries(0), autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			x.requests++
			if x.before != nil {
				if err := x.before(); err != nil {
					return nil, err
				}
			}
			return next.RoundTrip(r)
		})
	}))
	return x
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// mirror makes a run, an hour after the last one.
func (x *tenant) mirror(m *mirror.Mirror) {
	x.t.Helper()
	require.NoError(x.t, m.Run(x.t.Context(), x.client, mirror.Options{Feed: x.feed}))
	x.ahead += time.Hour
}

// same sees that both sides are the same.
func (x *tenant) same(m *mirror.Mirror) {
	x.t.Helper()
	for _, name := range x.feed.Collections {
		d, err := m.Compare(x.t.Context(), x.client, name)
		require.NoError(x.t, err)
		assert.True(x.t, d.Equal(), "%v: %+v", d, d)
		assert.Len(x.t, x.Rows(name), d.Rows)
	}
}

// query returns the first column of what a query finds, as text; NULL is "NULL".
func query(t *testing.T, m *mirror.Mirror, q string) []string {
	t.Helper()
	rows, err := m.DB().QueryContext(t.Context(), q)
	require.NoError(t, err, q)
	defer func() { _ = rows.Close() }()
	all := []string{}
	for rows.Next() {
		var s sql.NullString
		require.NoError(t, rows.Scan(&s))
		if !s.Valid {
			s.String = "NULL"
		}
		all = append(all, s.String)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestMirror(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.feed.Collections = []string{"Tickets", "TicketNotes", "TimeEntries", "Companies", "BillingCodes", "Contacts"}
		backup := x.Seed("Tickets", map[string]any{"title": "Backup failed", "status": 5, "companyID": 0, "estimatedHours": 1.25, "createDate": "2026-11-23T12:00:00.5Z"})
		printer := x.Seed("Tickets", map[string]any{"title": "Printer's on \"fire\"", "status": 1})
		x.Seed("TicketNotes", map[string]any{"ticketID": backup})
		x.Seed("TimeEntries", map[string]any{"ticketID": backup, "hoursWorked": 0.5})
		x.Seed("BillingCodes", map[string]any{"name": "Labour", "isActive": true})
		m := open()
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{"Complete", "New"}, query(t, m, "SELECT status_label FROM Tickets_view ORDER BY id"))
		assert.Equal(t, []string{"Printer's on \"fire\""}, query(t, m, "SELECT title FROM Tickets WHERE status = 1"))
		assert.Equal(t, []string{"Labour"}, query(t, m, "SELECT name FROM BillingCodes WHERE isActive"))
		assert.Equal(t, []string{"1.25"}, query(t, m, "SELECT estimatedHours FROM Tickets WHERE createDate = '2026-11-23T12:00:00.500Z'"))
		assert.Equal(t, []string{"Fake Service Provider"}, query(t, m, "SELECT c.companyName FROM Tickets t JOIN Companies c ON c.id = t.companyID WHERE t.title LIKE 'Backup%'"))

		// What changes: a row, a new user-defined field and value, a deletion.
		x.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Backup Plan"}, autotasktest.UDFDefinition{Name: "backup-plan", Type: "integer", Picklist: []autotasktest.PicklistValue{{Value: "3", Label: "Gold"}}})
		x.Change("Tickets", backup, map[string]any{"userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": "Silver"}, {"name": "backup-plan", "value": "3"}}})
		x.Remove("Tickets", printer)
		require.NoError(t, m.Close())
		m = open()
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{"Silver 3 Gold"}, query(t, m, "SELECT udf_Backup_Plan || ' ' || udf_backup_plan_2 || ' ' || udf_backup_plan_2_label FROM Tickets_view"))
		assert.Equal(t, []string{"Printer's on \"fire\""}, query(t, m, "SELECT title FROM Tickets WHERE _deleted IS NOT NULL"), "it stays")

		// It comes back.
		x.SeedRaw("Tickets", []byte(fmt.Sprintf(`{"id":%d,"title":"Printer works","lastActivityDate":%q,"somethingNew":{"a":1}}`, printer, time.Now().Add(x.ahead).UTC().Format(time.RFC3339))))
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{"NULL"}, query(t, m, "SELECT _deleted FROM Tickets WHERE title = 'Printer works'"))
		assert.Equal(t, []string{"NULL"}, query(t, m, "SELECT status FROM Tickets WHERE id = "+fmt.Sprint(printer)), "and nothing of before")
		assert.Equal(t, []string{`{"a":1}`}, query(t, m, "SELECT somethingNew FROM Tickets WHERE title = 'Printer works'"))

		x.requests = 0
		x.mirror(m)
		assert.Equal(t, 2*5+1, x.requests, "nothing has changed: a query and a count of each, and of BillingCodes new ids")
	})
}

// Killed at any request, or after any page, it goes on where it was.
// A feed looks back a few minutes, so rows come again. What is here as it comes is not
// written again.
func TestNothingIsWrittenTwice(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		id := x.Seed("Tickets", map[string]any{"title": "a"})
		x.Seed("Tickets", map[string]any{"title": "b"})
		m := open()
		run := func() (last mirror.Progress) {
			require.NoError(t, m.Run(t.Context(), x.client, mirror.Options{Feed: x.feed, Progress: func(p mirror.Progress) { last = p }}))
			return last
		}
		assert.Equal(t, 2, run().Written)
		changed := query(t, m, "SELECT _changed FROM Tickets ORDER BY id")
		assert.Zero(t, run().Written)
		assert.Equal(t, changed, query(t, m, "SELECT _changed FROM Tickets ORDER BY id"))
		x.Change("Tickets", id, map[string]any{"title": "c"})
		assert.Equal(t, 1, run().Written)
		x.same(m)
	})
}

func TestKilled(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		for range 1_200 {
			x.Seed("Tickets", map[string]any{"title": "Backup failed"})
		}
		written, runs := 0, 0
		for ended := false; !ended; runs++ {
			require.Less(t, runs, 50)
			m := open()
			ctx, kill := context.WithCancel(t.Context())
			left := 1 + runs%3
			x.before = func() error {
				if left--; left < 0 {
					kill()
					return context.Canceled
				}
				return nil
			}
			err := m.Run(ctx, x.client, mirror.Options{Feed: x.feed, Progress: func(p mirror.Progress) {
				ended = p.CaughtUp
				written += p.Written
			}})
			if !ended {
				require.ErrorIs(t, err, context.Canceled)
			}
			x.before = nil
			kill()
			require.NoError(t, m.Close())
		}
		x.same(open())
	})
}

func TestTwoProgramsAtOnce(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.Seed("Tickets", nil)
		first, second := open(), open()
		x.mirror(first)
		x.requests = 0
		x.mirror(second)
		assert.Equal(t, 2, x.requests, "it goes on where the other was")
		x.same(second)

		for range 501 { // two pages
			x.Seed("Tickets", nil)
		}
		met := false
		err := first.Run(t.Context(), x.client, mirror.Options{Feed: x.feed, Progress: func(mirror.Progress) {
			if !met {
				met = true
				x.mirror(second)
			}
		}})
		require.ErrorIs(t, err, mirror.ErrBusy)
		x.same(first)
		x.mirror(first)
		x.same(second)
	})
}

// A log names the ticket, and not the note that was deleted.
func TestDeletionsByLog(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.feed = changes.Options{Collections: []string{"Tickets", "TicketNotes"}, Deletions: changes.Log}
		ticket := x.Seed("Tickets", nil)
		kept := x.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "kept"})
		gone := x.Seed("TicketNotes", map[string]any{"ticketID": ticket, "title": "gone"})
		other := x.Seed("TicketNotes", map[string]any{"ticketID": x.Seed("Tickets", nil), "title": "other"})
		m := open()
		x.mirror(m)
		x.Remove("TicketNotes", gone)
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{fmt.Sprint(kept), fmt.Sprint(other)}, query(t, m, "SELECT id FROM TicketNotes_view ORDER BY id"))
	})
}

func TestValuesOfEveryType(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.feed.Collections = []string{"Contracts"}
		x.SetUDFs("Contracts", autotasktest.UDFDefinition{Name: "% done?", Type: "double"}, autotasktest.UDFDefinition{Name: "a=b", Type: "datetime"})
		id := x.Seed("Contracts", map[string]any{"contractName": "x"})
		row := x.Get("Contracts", id)
		set := func(fields map[string]any) {
			t.Helper()
			for name, v := range fields {
				row[name] = v
			}
			row["lastModifiedDateTime"] = time.Now().Add(x.ahead).UTC().Format("2006-01-02T15:04:05.999")
			b, err := json.Marshal(row)
			require.NoError(t, err)
			x.SeedRaw("Contracts", b)
		}
		m := open()
		get := func(column string) []string { return query(t, m, "SELECT "+column+" FROM Contracts") }
		set(map[string]any{"estimatedRevenue": json.Number("12345678901.25"), "companyID": json.Number("9007199254740993"), "description": "a\x00b\xff\n" + strings.Repeat("ü", 9000), "startDate": "2016-03-30T13:10:35.563", "isDefaultContract": false,
			"userDefinedFields": []map[string]any{{"name": "% done?", "value": "12.5"}, {"name": "a=b", "value": "2016-03-30"}}})
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{"9007199254740993"}, get("companyID"))
		assert.Equal(t, []string{"true"}, get("CASE WHEN estimatedRevenue = 12345678901.25 THEN 'true' END"))
		assert.Equal(t, []string{"true"}, get("CASE WHEN NOT isDefaultContract THEN 'true' END"))
		assert.Equal(t, []string{"true"}, get("CASE WHEN startDate = '2016-03-30T13:10:35.563Z' THEN 'true' END"))
		assert.Contains(t, get("description")[0], "üü")
		assert.Equal(t, []string{"true"}, get("CASE WHEN udf___done_ = 12.5 AND udf_a_b = '2016-03-30T00:00:00.000Z' THEN 'true' END"))

		// What does not fit is NULL, and stands in _json.
		set(map[string]any{"userDefinedFields": []map[string]any{{"name": "% done?", "value": "0x1p4"}, {"name": "a=b", "value": ""}},
			"estimatedRevenue": "NaN", "companyID": json.Number("1e30"), "startDate": "soon", "isDefaultContract": "perhaps", "description": nil,
		})
		x.mirror(m)
		x.same(m)
		for _, column := range []string{"estimatedRevenue", "companyID", "startDate", "isDefaultContract", "description", "udf___done_", "udf_a_b"} {
			assert.Equal(t, []string{"NULL"}, get(column), column)
		}
		assert.Contains(t, get("_json")[0], `"startDate":"soon"`)
	})
}

// Drawn rows are compared with what was stored.
func TestVerify(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.feed.Verify = 20
		id := x.Seed("Tickets", map[string]any{"title": "Backup failed"})
		m := open()
		x.ahead += time.Hour
		x.mirror(m)
		_, err := m.DB().ExecContext(t.Context(), fmt.Sprintf(`UPDATE Tickets SET _json = '{"id":%d}', title = 'x'`, id))
		require.NoError(t, err)
		x.mirror(m)
		x.same(m)
		assert.Equal(t, []string{"Backup failed"}, query(t, m, "SELECT title FROM Tickets"))
	})
}

func TestALostRightDeletesNothing(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		for range 20 {
			x.Seed("Tickets", nil)
		}
		m := open()
		x.mirror(m)
		x.SetReadAccess("Tickets", autotasktest.ReadNothing)
		require.ErrorIs(t, m.Run(t.Context(), x.client, mirror.Options{Feed: x.feed}), changes.ErrMissing)
		assert.Equal(t, []string{"20"}, query(t, m, "SELECT count(*) FROM Tickets_view"))
		x.SetReadAccess("Tickets", autotasktest.ReadAll)
		x.mirror(m)
		x.same(m)
	})
}

// What fails for a while does not end a Watch; what is wrong for good does.
func TestWatch(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.Seed("Tickets", nil)
		m := open()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		x.Inject(autotasktest.Fault{Op: "POST Tickets/query", Status: http.StatusBadGateway})
		var failed, ended int
		err := m.Run(ctx, x.client, mirror.Options{Feed: x.feed, Watch: time.Millisecond, Progress: func(p mirror.Progress) {
			if p.Err != nil {
				failed++
				require.ErrorIs(t, p.Err, autotask.ErrServer)
			}
			if p.CaughtUp {
				if ended++; ended == 3 {
					cancel()
				}
			}
		}})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, failed)
		assert.Equal(t, 3, ended)

		x.SetReadAccess("Tickets", autotasktest.ReadRefused)
		require.ErrorIs(t, m.Run(t.Context(), x.client, mirror.Options{Feed: x.feed, Watch: time.Millisecond}), autotask.ErrPermission)
	})
}

// What cannot be saved whole is not saved at all.
func TestRowsAndStateAreSavedTogether(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.Seed("Tickets", map[string]any{"title": "Backup failed"})
		m := open()
		x.feed.Collections = []string{"Tickets", "BillingCodes"}
		x.Seed("BillingCodes", nil)
		_, err := m.DB().ExecContext(t.Context(), "CREATE TABLE BillingCodes (one INTEGER)") // is in the way
		require.NoError(t, err)
		require.Error(t, m.Run(t.Context(), x.client, mirror.Options{Feed: x.feed}))
		assert.Equal(t, []string{"0"}, query(t, m, "SELECT count(*) FROM mirror_columns WHERE collection = 'BillingCodes'"))
		assert.True(t, m.State().Covered("BillingCodes").IsZero())
		_, err = m.DB().ExecContext(t.Context(), "DROP TABLE BillingCodes")
		require.NoError(t, err)
		x.mirror(m)
		x.same(m)
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		var ids []int64
		for range 4 {
			ids = append(ids, x.Seed("Tickets", nil))
		}
		m := open()
		d, err := m.Compare(t.Context(), x.client, "Tickets")
		require.NoError(t, err)
		assert.Equal(t, ids, d.Missing, "there is nothing at all yet")
		x.mirror(m)
		x.Remove("Tickets", ids[3])
		x.Remove("Tickets", ids[1])
		x.Change("Tickets", ids[0], map[string]any{"title": "Printer on fire"})
		made := x.Seed("Tickets", nil)
		d, err = m.Compare(t.Context(), x.client, "Tickets")
		require.NoError(t, err)
		assert.Equal(t, &mirror.Difference{Collection: "Tickets", Rows: 3, Missing: []int64{made}, Extra: []int64{ids[1], ids[3]}, Other: []int64{ids[0]}}, d)
		assert.Equal(t, "Tickets: 3 rows, 1 not in the mirror, 2 in the mirror only, 1 not the same", d.String())
	})
}

func TestExports(t *testing.T) {
	t.Parallel()
	inEach(t, func(t *testing.T, open func() *mirror.Mirror) {
		t.Helper()
		x := newTenant(t)
		x.Seed("Tickets", map[string]any{"title": "Backup, failed", "status": 5, "estimatedHours": 1234567.5, "createDate": "2026-11-23T12:00:00Z"})
		m := open()
		require.Error(t, m.WriteCSV(t.Context(), &bytes.Buffer{}, "Tickets"))
		x.mirror(m)
		var b bytes.Buffer
		require.NoError(t, m.WriteCSV(t.Context(), &b, "Tickets"))
		names, row, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
		assert.True(t, strings.HasPrefix(names, "id,"))
		assert.Contains(t, strings.ToLower(names), ",status_label,")
		for _, want := range []string{`,"Backup, failed"`, ",Complete,", ",1234567.5,", ",2026-11-23T12:00:00.000Z,"} {
			assert.Contains(t, row, want)
		}
	})
	var b bytes.Buffer
	require.NoError(t, mirror.WriteJSONLines(&b, []changes.Change{
		{Kind: changes.Upserted, Collection: "Tickets", ID: 7, How: changes.ByCursor, JSON: []byte(`{"id":7}`)},
		{Kind: changes.Gone, Collection: "Tickets", ID: 0, How: changes.ByCount},
	}))
	assert.Equal(t, []string{
		`{"kind":"Upserted","collection":"Tickets","id":7,"how":"cursor","row":{"id":7}}`,
		`{"kind":"Gone","collection":"Tickets","id":0,"how":"count"}`, "",
	}, strings.Split(b.String(), "\n"))
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "autotask.db", "sqlite:", "mysql://x", "postgres:", "postgres://u:hunter2@[::1/x"} {
		_, err := mirror.Open(t.Context(), name)
		require.ErrorIs(t, err, autotask.ErrInvalid, name)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err := mirror.OpenSchema(t.Context(), "sqlite:x.db", "schema", false)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	_, err = mirror.Open(t.Context(), "sqlite:"+t.TempDir()+"/no/such/directory.db")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Others who use the machine cannot read the file.
func TestTheFileIsPrivate(t *testing.T) {
	t.Parallel()
	name, _ := databases["sqlite"](t)
	m, err := mirror.Open(t.Context(), name)
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Close() })
	file := strings.TrimPrefix(name, "sqlite:")
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(file + suffix)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

// Newer states are not touched.
func TestAStateOfANewerVersion(t *testing.T) {
	t.Parallel()
	name, _ := databases["sqlite"](t)
	m, err := mirror.Open(t.Context(), name)
	require.NoError(t, err)
	_, err = m.DB().ExecContext(t.Context(), `UPDATE mirror_state SET state = '{"version":99}'`)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	_, err = mirror.Open(t.Context(), name)
	require.ErrorIs(t, err, changes.ErrNewerState)
}
