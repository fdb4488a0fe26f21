package autotasktest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/schema"
)

// Every verb that the table gives a collection works, and no other does.
func TestEveryVerbOfEveryCollection(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	x.SetThreshold(1<<40, 0)
	seen := make(map[schema.Verb]int)
	for _, c := range schema.All() {
		if c.Entity == nil {
			continue
		}
		id := x.Seed(c.Path, nil)
		at := c.Path
		if c.Parent != "" {
			parent := "0" // of ServiceLevelAgreements/Results: nobody knows either
			switch {
			case c.ParentField != "":
				parent = text(x.Get(c.Path, id)[c.ParentField])
			case schema.Lookup(c.Parent) != nil: // where no field tells, any will do
				parent = text(x.Seed(c.Parent, nil))
			}
			at = path("%s/%s/%s", c.Parent, parent, c.Segment)
		}
		row := string(x.Raw(c.Path, id))
		for _, test := range []struct {
			verb               schema.Verb
			method, path, body string
			check              func(answer)
		}{
			{schema.Get, http.MethodGet, path("%s/%d", at, id), "", func(a answer) {
				assert.Equal(t, id, toID(t, a.ok().json()["item"].(map[string]any)["id"]), c.Path)
			}},
			{schema.List, http.MethodGet, at, "", func(a answer) { assert.Contains(t, a.ok().ids(), id, c.Path) }},
			{schema.Query, http.MethodPost, at + "/query", `{"filter":` + filterFor(x, c, id) + `}`, func(a answer) {
				assert.Contains(t, a.ok().ids(), id, c.Path)
			}},
			{schema.Query, http.MethodGet, at + "/query?" + search(`{"filter":`+filterFor(x, c, id)+`}`), "", func(a answer) {
				assert.Contains(t, a.ok().ids(), id, c.Path)
			}},
			{schema.Count, http.MethodPost, at + "/query/count", `{"filter":` + filterFor(x, c, id) + `}`, func(a answer) {
				assert.NotEqual(t, "0", text(a.ok().json()["queryCount"]), c.Path)
			}},
			{schema.Info, http.MethodGet, at + "/entityInformation", "", func(a answer) { assert.Contains(t, a.ok().json(), "info") }},
			{schema.FieldInfo, http.MethodGet, at + "/entityInformation/fields", "", func(a answer) { assert.NotEmpty(t, a.ok().json()["fields"]) }},
			{schema.UDFInfo, http.MethodGet, at + "/entityInformation/userDefinedFields", "", func(a answer) {
				if c.Entity.HasUDFs() {
					assert.Contains(t, a.ok().json(), "fields")
				} else {
					a.notFound()
				}
			}},
			{schema.Create, http.MethodPost, at, row, func(a answer) {
				if c.Entity.Field("id").NoID {
					assert.JSONEq(t, `{"itemId":null}`, a.ok().body)
					return
				}
				made := a.itemID()
				assert.NotEqual(t, id, made)
				assert.NotNil(t, x.Get(c.Path, made), c.Path)
			}},
			{schema.Patch, http.MethodPatch, at, patchOf(c, id), func(a answer) { assert.Equal(t, id, a.itemID()) }},
			{schema.Put, http.MethodPut, at, row, func(a answer) { assert.Equal(t, id, a.itemID()) }},
			{schema.Delete, http.MethodDelete, path("%s/%d", at, id), "", func(a answer) {
				assert.Equal(t, id, a.itemID())
				assert.Nil(t, x.Get(c.Path, id), c.Path)
			}},
		} {
			if test.verb == schema.Get && c.Path == "Resources/TimeOffBalances" {
				continue // that is no id but a year
			}
			a := x.do(test.method, test.path, test.body)
			if c.Verbs.Has(test.verb) {
				seen[test.verb]++
				require.NotPanics(t, func() { test.check(a) }, "%s %s: %s", test.method, test.path, a.body)
				continue
			}
			assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, a.status, "%s %s: %s", test.method, test.path, a.body)
		}
	}
	for verb := schema.Query; verb <= schema.UDFInfo; verb <<= 1 {
		assert.Greater(t, seen[verb], 50, verb)
	}
}

// patchOf is a patch that changes nothing and repeats what every patch must.
func patchOf(c *schema.Collection, id int64) string {
	body := map[string]any{"id": id}
	for _, f := range c.Entity.Fields {
		if f.Always {
			body[f.Name] = 1
		}
	}
	return text(body)
}
