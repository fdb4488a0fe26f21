package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// filterOf returns the filter that a count sends.
func filterOf(t *testing.T, args ...string) string {
	t.Helper()
	srv := autotasktest.NewServer(t)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Backup Plan", Picklist: []autotasktest.PicklistValue{{Value: "1", Label: "Gold"}}})
	on(srv).want(t, exitOK, append([]string{"count", "Tickets"}, args...)...)
	for _, r := range srv.Requests() {
		if r.Op == "POST Tickets/query/count" {
			var body struct {
				Filter []any `json:"filter"`
			}
			require.NoError(t, json.Unmarshal(r.Body, &body))
			b, err := json.Marshal(body.Filter, json.Deterministic(true))
			require.NoError(t, err)
			return string(b)
		}
	}
	require.Fail(t, "nothing was counted")
	return ""
}

func TestFilters(t *testing.T) {
	t.Parallel()
	one := func(field, op string, value any) string {
		b, err := json.Marshal(value)
		require.NoError(t, err)
		return fmt.Sprintf(`[{"field":%q,"op":%q,"value":%s}]`, field, op, b)
	}
	for line, want := range map[string]string{
		"status eq New":               one("status", "eq", 1),
		"STATUS EQ new":               one("status", "eq", 1),
		"status = 5":                  one("status", "eq", 5),
		"status eq 4711":              one("status", "eq", 4711),
		"title eq 5":                  one("title", "eq", "5"),
		"title contains New":          one("title", "contains", "New"),
		"id gt -5":                    one("id", "gt", -5),
		"estimatedHours lte 1.50":     `[{"field":"estimatedHours","op":"lte","value":1.5}]`,
		"createDate gte 2026-11-01":   one("createDate", "gte", "2026-11-01T00:00:00Z"),
		"completedDate notExist":      `[{"field":"completedDate","op":"notExist"}]`,
		"isVisibleToComanaged eq yes": one("isVisibleToComanaged", "eq", true),
		"status in New,5":             one("status", "in", []int{1, 5}),
		"subIssueType eq Hardware":    one("subIssueType", "in", []int{137, 147}),
		"subIssueType noteq Hardware": one("subIssueType", "notIn", []int{137, 147}),
	} {
		assert.JSONEq(t, want, filterOf(t, strings.Fields(line)...), line)
	}
	assert.JSONEq(t, one("status", "eq", 7), filterOf(t, "status", "eq", "Waiting Vendor"))
	assert.JSONEq(t, one("status", "eq", 7), filterOf(t, "status eq Waiting Vendor"))
	assert.JSONEq(t, one("title", "eq", "status eq New"), filterOf(t, "title", "eq", "status eq New"))
	assert.JSONEq(t, one("title", "eq", "or"), filterOf(t, "title", "eq", "or"))
	assert.JSONEq(t, `[{"field":"Backup Plan","op":"eq","udf":true,"value":"1"}]`, filterOf(t, "udf:backup plan", "eq", "Gold"))
	and := filterOf(t, "status", "eq", "New", "and", "priority", "eq", "High", "or", "completedDate", "exist")
	assert.JSONEq(t, `[{"op":"or","items":[{"op":"and","items":[{"field":"status","op":"eq","value":1},{"field":"priority","op":"eq","value":1}]},{"field":"completedDate","op":"exist"}]}]`, and)
}

func TestWrongFilters(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"status", "status eq", "status eq New or", "or status eq New", "status eq New and", "subIssueType gt Hardware", "isVisibleToComanaged eq perhaps",
		"estimatedHours gt 1e3", "udf:None eq 1", "udf: eq 1", "status like New", "titel eq x", "id in 1,x",
	} {
		r := setting{}.want(t, exitUsage, append([]string{"-demo", "count", "Tickets"}, strings.Fields(line)...)...)
		assert.Empty(t, r.stdout)
	}
	r := setting{}.want(t, exitUsage, "-demo", "count", "Tickets", "udf:Backup Plan", "eq", "None")
	assert.Contains(t, r.stderr, "autotask picklist Tickets 'udf:Backup Plan'", "a line for a shell")
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]time.Time{
		"2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "2026-11-01T10:00:00+02:00": time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC),
		"2026-11-01T10:00": time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), "2026-11-01 10:00:01": time.Date(2026, 11, 1, 10, 0, 1, 0, time.UTC),
		"-24h": noon.AddDate(0, 0, -1), "-7d": noon.AddDate(0, 0, -7), "-30m": noon.Add(-30 * time.Minute), "now": noon,
	} {
		got, err := timeOf("", given, noon)
		require.NoError(t, err, given)
		assert.Equal(t, want, got, given)
	}
	for _, given := range []string{"", "yesterday", "-7", "-7w", "7d", "2026-13-01", "01.11.2026", "-120000d", "-290000d"} {
		_, err := timeOf("", given, noon)
		assert.Error(t, err, given)
	}
}

func TestFormsOfRows(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewServer(t)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Backup Plan"})
	id := srv.Seed("Tickets", map[string]any{
		"title": "a \"b\"\n\x1b[31m, c", "status": 1, "ticketNumber": "T20261101.0001", "userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": "Gold"}},
	})
	r := on(srv).want(t, exitOK, "query", "ticket", "-json")
	assert.Equal(t, string(srv.Raw("Tickets", id))+"\n", r.stdout, "as Autotask sent it")
	r = on(srv).want(t, exitOK, "query", "Tickets", "-fields", "TITLE,status,udf:backup plan", "-csv", "-labels")
	assert.Equal(t, fmt.Sprintf("id,title,status,status_label,udf:Backup Plan\n%d,\"a \"\"b\"\"\n\x1b[31m, c\",1,New,Gold\n", id), r.stdout)
	screen := on(srv)
	screen.columns = 80
	assert.NotContains(t, screen.want(t, exitOK, "query", "Tickets", "-fields", "title", "-csv").stdout, "\x1b")
	r = on(srv).want(t, exitOK, "query", "Tickets", "-fields", "title,udf:Backup Plan")
	assert.Equal(t, fmt.Sprintf("id        title          udf:Backup Plan\n%d  a \"b\" [31m, c  Gold\n", id), r.stdout)
	r = on(srv).want(t, exitOK, "query", "Tickets", "-fields", "status,udf:Backup Plan", "-json", "-labels")
	assert.JSONEq(t, fmt.Sprintf(`{"id":%d,"status":1,"status_label":"New","udf:Backup Plan":"Gold"}`, id), r.stdout)
	r = on(srv).want(t, exitOK, "query", "Tickets", "id", "eq", "1", "-csv", "-fields", "title")
	assert.Equal(t, "id,title\n", r.stdout, "a file without rows has its first line")
	r = on(srv).want(t, exitOK, "query", "Tickets", "id", "eq", "1", "-json")
	assert.Empty(t, r.stdout+r.stderr)
	r = on(srv).want(t, exitOK, "get", "Tickets", "T20261101.0001")
	assert.Contains(t, r.stdout, "udf:Backup Plan")
	assert.Contains(t, r.stdout, "1 (New)")
	all := on(srv).want(t, exitOK, "query", "Tickets", "-csv").stdout
	assert.Contains(t, all, ",udf:Backup Plan\n")
	for line := range strings.Lines(on(srv).want(t, exitOK, "query", "Tickets", "-json", "-labels").stdout) {
		var row map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &row))
		assert.Contains(t, row, "_labels")
	}
}
