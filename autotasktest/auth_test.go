package autotasktest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		for _, test := range []struct {
			header, value string
			status        int
			body          string
		}{
			{"UserName", "nobody@example.com", 500, `{"errors":["Zone information could not be determined"]}`},
			{"UserName", "", 401, ""},
			{"Secret", "wrong", 401, ""},
			{"Secret", "", 401, ""},
			{"ApiIntegrationCode", "wrong", 500, `{"errors":["IntegrationCode is invalid"]}`},
			{"ApiIntegrationCode", "", 500, `{"errors":["IntegrationCode is invalid"]}`},
		} {
			for _, path := range []string{"Companies/0", "ThresholdInformation"} {
				r := x.request(http.MethodGet, path, "")
				r.Header.Set(test.header, test.value)
				a, err := x.send(r)
				require.NoError(t, err)
				assert.Equal(t, test.status, a.status, "%s %q", test.header, test.value)
				assert.Equal(t, test.body, a.body, "%s %q", test.header, test.value)
			}
		}
	})
}

func TestRequestsHideTheCredentials(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.get("Companies/0").ok()
	h := x.Requests()[0].Header
	for _, name := range []string{"UserName", "Secret", "ApiIntegrationCode"} {
		assert.Equal(t, "REDACTED", h.Get(name))
	}
	assert.Equal(t, "application/json", h.Get("Content-Type"))
}

func TestZoneInformation(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		host := strings.TrimSuffix(x.BaseURL(), "/ATServicesRest/V1.0")
		assert.Equal(t, x.BaseURL()+"/zoneInformation", x.ZoneURL())

		anonymous := func(user string) answer {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.ZoneURL()+"?user="+url.QueryEscape(user), nil)
			require.NoError(t, err)
			a, err := x.send(r)
			require.NoError(t, err)
			return a
		}
		assert.JSONEq(t, `{"zoneName":"Fake zone 1","url":"`+host+`/ATServicesRest/","webUrl":"`+host+`/","ci":1}`,
			anonymous(x.Credentials().UserName).ok().body)
		anonymous("nobody@example.com").refused("Zone information could not be determined")
		anonymous("").refused("Zone information could not be determined")
	})
}

func TestMoveZone(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		id := x.Seed("Tickets", nil)
		oldBase, zoneURL := x.BaseURL(), x.ZoneURL()
		ask := "?user=" + url.QueryEscape(x.Credentials().UserName)

		x.MoveZone()
		assert.NotEqual(t, oldBase, x.BaseURL())
		assert.Equal(t, zoneURL, x.ZoneURL())
		a := x.get(path("%s/Tickets/%d", oldBase, id))
		assert.Equal(t, 401, a.status)
		assert.Empty(t, a.body)
		assert.NotNil(t, x.item(path("Tickets/%d", id)))

		want := strings.TrimSuffix(x.BaseURL(), "V1.0")
		assert.Equal(t, want, x.get(zoneURL + ask).ok().json()["url"])
		assert.Equal(t, want, x.get("zoneInformation" + ask).ok().json()["url"])
	})
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	as := func(method, path, body string) answer {
		r := x.request(method, path, body)
		r.Header.Set("ImpersonationResourceId", text(autotasktest.TechnicianID))
		a, err := x.send(r)
		require.NoError(t, err)
		return a
	}
	ticket := x.Seed("Tickets", nil)
	filter := `{"filter":[{"op":"exist","field":"id"}]}`
	for _, a := range []answer{
		as("GET", path("Tickets/%d", ticket), ""),
		as("POST", "Tickets/query", filter),
		as("POST", "Tickets/query/count", filter),
		as("GET", "ThresholdInformation", ""),
	} {
		a.refused("The logged in Resource does not have the adequate permissions to query this entity type.")
	}

	id := as("POST", path("Tickets/%d/Notes", ticket), noteBody).itemID()
	note := x.Get("TicketNotes", id)
	assert.EqualValues(t, text(autotasktest.TechnicianID), note["creatorResourceID"])
	assert.EqualValues(t, text(autotasktest.APIUserID), note["impersonatorCreatorResourceID"])
	assert.Nil(t, note["impersonatorUpdaterResourceID"])

	as("PATCH", path("Tickets/%d/Notes", ticket), path(`{"id":%d,"title":"Changed","noteType":1,"publish":2}`, id)).ok()
	assert.EqualValues(t, text(autotasktest.APIUserID), x.Get("TicketNotes", id)["impersonatorUpdaterResourceID"])

	own := x.post(path("Tickets/%d/Notes", ticket), noteBody).itemID()
	assert.EqualValues(t, text(autotasktest.APIUserID), x.Get("TicketNotes", own)["creatorResourceID"])
	assert.Nil(t, x.Get("TicketNotes", own)["impersonatorCreatorResourceID"])

	r := x.request("POST", "Tickets", "{}")
	r.Header.Set("ImpersonationResourceId", "somebody")
	a, err := x.send(r)
	require.NoError(t, err)
	a.refused("Conversion failed")
}

const noteBody = `{"title":"Checked","description":"All is well.","noteType":1,"publish":2}`
