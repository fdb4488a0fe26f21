package autotasktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/schema"
)

func TestRoutesThatNobodyServesAreWebPages(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", nil)
	note := x.Seed("TicketNotes", nil)
	for _, op := range []string{
		"POST TicketNotes", "POST TicketNote", "PATCH Contacts", "PUT Contacts", "PATCH TicketNotes",
		"GET Nothing/5", "GET Tickets/five", "GET ",
		fmt.Sprintf("GET Tickets/%d/TimeEntries", id),
		fmt.Sprintf("GET Tickets/%d/Notes/query", id),
		fmt.Sprintf("GET Tickets/%d/Notes/%d/more", id, note),
		"GET TimeEntries/entityInformation/userDefinedFields",
		"GET TicketAttachments/entityInformation/userDefinedFields",
	} {
		method, path, _ := strings.Cut(op, " ")
		x.do(method, path, "").notFound()
	}
}

func TestVerbsThatARouteLacksAreNotAllowed(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", nil)
	for _, op := range []string{
		"PATCH Tickets", "GET Tickets", "DELETE Tickets",
		fmt.Sprintf("PATCH Tickets/%d", id), fmt.Sprintf("PUT Tickets/%d", id), fmt.Sprintf("DELETE Tickets/%d", id),
		"PATCH Companies/175", "PUT Companies/175", "DELETE Companies/175",
		"GET Tickets/query/next", "PUT Tickets/query", "DELETE Tickets/query/count",
		fmt.Sprintf("DELETE Tickets/%d/Notes/7", id), fmt.Sprintf("DELETE Tickets/%d/Notes", id),
		"POST Tickets/entityInformation/fields", "POST zoneInformation", "POST ThresholdInformation",
	} {
		method, path, _ := strings.Cut(op, " ")
		x.do(method, path, "{}").notAllowed(method)
	}
}

func TestCasingOfTheBasePathCounts(t *testing.T) {
	t.Parallel()
	bothWays(t, func(_ *testing.T, x *tenant) {
		for _, wrong := range []string{"/atservicesrest/V1.0", "/ATServicesREST/V1.0", "/AtServicesRest/V1.0", "/ATServicesRest/V1", "/ATServicesRest/V1.0x", "/V1.0", ""} {
			base := strings.Replace(x.BaseURL(), "/ATServicesRest/V1.0", wrong, 1)
			x.get(base + "/Companies/0").notFound()
		}
		x.get("Companies/0").ok()
	})
}

func TestEveryCollectionIsServed(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	for _, c := range schema.All() {
		if c.Parent != "" || !c.Verbs.Has(schema.Query|schema.Get|schema.FieldInfo) {
			continue
		}
		id := x.Seed(c.Path, nil)
		x.get(path("%s/%d", c.Path, id)).ok()
		assert.Contains(t, x.query(c.Path, filterFor(x, c, id)), id, c.Path)
		require.NotEmpty(t, x.get(c.Path + "/entityInformation/fields").ok().json()["fields"], c.Path)
	}
}

// filterFor is a filter that finds a row, in the form that its entity insists on.
func filterFor(x *tenant, c *schema.Collection, id int64) string {
	byField := func(name string) string {
		return path(`[{"op":"eq","field":"%s","value":%v}]`, name, x.Get(c.Path, id)[name])
	}
	switch {
	case c.Path == "TicketHistory":
		return byField("ticketID")
	case strings.HasSuffix(c.Path, "Attachments"):
		return byField("parentID")
	}
	return `[{"op":"exist","field":"id"}]`
}

func TestLongGETsAreWebPages(t *testing.T) {
	t.Parallel()
	bothWays(t, func(_ *testing.T, x *tenant) {
		query := `{"filter":[{"op":"contains","field":"companyName","value":"` + strings.Repeat("x", 2000) + `"}]}`
		x.get("Companies/query?" + search(query)).notFound()
		x.post("Companies/query", query).ok()
	})
}

func TestServices(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		want := `{"apiVersions":["v1.0"]}`
		assert.JSONEq(t, want, x.get(strings.Replace(x.BaseURL(), "V1.0", "versioninformation", 1)).ok().body)
		assert.JSONEq(t, want, x.get("VersionInformation").ok().body)
		assert.Contains(t, x.get("Version").ok().json(), "majorVersion")
		assert.NotEmpty(t, x.get("Modules").ok().json()["modules"])
		assert.Len(t, x.get("EntityInformation").ok().json()["entityDescriptions"], len(schema.Entities()))
	})
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		a := x.post("Tickets", `{"title":"`+strings.Repeat("x", 16<<20)+`"}`)
		assert.Equal(t, http.StatusRequestEntityTooLarge, a.status)
		x.get("Companies/0").ok()
	})
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.get("Companies/0").ok()
	dialled := 0
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	x.http = &http.Client{Transport: countingConns{transport, &dialled}}
	for range 5 {
		x.get("Companies/0").ok()
		x.get("Companies/none").notFound()
	}
	assert.Equal(t, 1, dialled)
}
