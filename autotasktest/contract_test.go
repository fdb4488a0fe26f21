package autotasktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// stranger is a client of another make: the contract, net/http and encoding/json.
// It knows of the tenant what its user is told: an address and three secrets.
type stranger struct {
	t                           *testing.T
	http                        *http.Client
	base                        string
	user, secret, integrationID string
}

// fields are the members of an object, as they are.
type fields map[string]json.RawMessage

// call sends a request and returns the status and the answer's members.
func (s *stranger) call(method, path string, body any) (int, fields) {
	s.t.Helper()
	var text []byte
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		require.NoError(s.t, err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(text))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("UserName", s.user)
	r.Header.Set("Secret", s.secret)
	r.Header.Set("ApiIntegrationCode", s.integrationID)
	resp, err := s.http.Do(r)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	var members fields
	_ = json.Unmarshal(answer, &members) // a web page has none
	return resp.StatusCode, members
}

// must is call for what works.
func (s *stranger) must(method, path string, body any) fields {
	s.t.Helper()
	status, answer := s.call(method, path, body)
	require.Equal(s.t, http.StatusOK, status, "%s %s: %s", method, path, answer["errors"])
	return answer
}

// query is POST /{entity}/query with one condition.
func (s *stranger) query(entity, field string, value any) []fields {
	s.t.Helper()
	answer := s.must(http.MethodPost, "/"+entity+"/query", map[string]any{
		"filter": []map[string]any{{"op": "eq", "field": field, "value": value}},
	})
	var items []fields
	require.NoError(s.t, json.Unmarshal(answer["items"], &items))
	return items
}

// ticket is GET /Tickets/{TicketID}: the ticket lies under "item".
func (s *stranger) ticket(id int64) fields {
	s.t.Helper()
	var item fields
	require.NoError(s.t, json.Unmarshal(s.must(http.MethodGet, fmt.Sprint("/Tickets/", id), nil)["item"], &item))
	return item
}

// copied are the fields that an update copies from a fresh GET.
var copied = []string{
	"id", "companyID", "queueID", "title", "priority", "status", "dueDateTime", "ticketCategory", "issueType", "subIssueType", "source",
	"organizationalLevelAssociationID",
}

// update copies the stabilising fields of a fresh ticket and changes one field.
func (s *stranger) update(id int64, field string, value any) (int, fields) {
	s.t.Helper()
	current := s.ticket(id)
	body := map[string]any{}
	for _, name := range copied {
		require.Contains(s.t, current, name)
		body[name] = current[name]
	}
	body[field] = value
	return s.call(http.MethodPut, "/Tickets", body)
}

func (s *stranger) set(id int64, field string, value any) {
	s.t.Helper()
	status, answer := s.update(id, field, value)
	require.Equal(s.t, http.StatusOK, status, "%s", answer["errors"])
}

// note is POST /Tickets/{TicketID}/Notes.
func (s *stranger) note(id int64) int64 {
	s.t.Helper()
	answer := s.must(http.MethodPost, fmt.Sprintf("/Tickets/%d/Notes", id),
		map[string]any{"Title": "Checked", "Description": "Nothing found.", "NoteType": 1, "Publish": 1})
	return number(s.t, answer["itemId"])
}

func number(t *testing.T, v json.RawMessage) int64 {
	t.Helper()
	n, err := strconv.ParseInt(string(v), 10, 64)
	require.NoError(t, err)
	return n
}

func isSet(v json.RawMessage) bool { return v != nil && string(v) != "null" }

// A client that was written from the contract alone finds all of it on the fake,
// section by section.
func TestContract_ByAStrangersClient(t *testing.T) {
	t.Parallel()
	newStranger := func(t *testing.T) (*stranger, *autotasktest.Server) {
		t.Helper()
		srv := autotasktest.NewServer(t)
		creds := srv.Credentials()
		client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
		t.Cleanup(client.CloseIdleConnections)
		return &stranger{t: t, http: client, base: srv.BaseURL(), user: creds.UserName, secret: creds.Secret, integrationID: creds.IntegrationCode}, srv
	}
	seed := func(srv *autotasktest.Server) int64 { return srv.Seed("Tickets", map[string]any{"status": 1}) }

	t.Run("0 base URL", func(t *testing.T) {
		t.Parallel()
		s, srv := newStranger(t)
		host, _, _ := strings.Cut(srv.BaseURL(), "/ATServicesRest")
		status, _ := s.call(http.MethodGet, "/Tickets/1", nil)
		assert.Equal(t, http.StatusOK, status)
		for _, wrong := range []string{"atservicesrest", "AtServicesRest", "ATSERVICESREST"} {
			s.base = host + "/" + wrong + "/V1.0"
			status, _ := s.call(http.MethodGet, "/Tickets/1", nil)
			assert.Equal(t, http.StatusNotFound, status, wrong)
		}
	})
	for _, section := range []struct {
		name string
		test func(s *stranger, srv *autotasktest.Server, id int64)
	}{
		{"1 ticket lookup", func(s *stranger, _ *autotasktest.Server, id int64) {
			var ticketNumber string
			require.NoError(s.t, json.Unmarshal(s.ticket(id)["ticketNumber"], &ticketNumber))
			found := s.query("Tickets", "ticketNumber", ticketNumber)
			require.Len(s.t, found, 1)
			assert.Equal(s.t, id, number(s.t, found[0]["id"]))
		}},
		{"2 authoritative retrieval", func(s *stranger, _ *autotasktest.Server, id int64) {
			root := s.must(http.MethodGet, fmt.Sprint("/Tickets/", id), nil)
			assert.Len(s.t, root, 1, "all lies under item")
			item := s.ticket(id)
			for _, name := range append([]string{"ticketNumber", "completedDate", "resolvedDateTime", "lastTrackedModificationDateTime"}, copied...) {
				assert.Contains(s.t, item, name)
			}
		}},
		{"3 status picklist", func(s *stranger, _ *autotasktest.Server, _ int64) {
			var all []struct {
				Name           string `json:"name"`
				DataType       string `json:"dataType"`
				IsPickList     bool   `json:"isPickList"`
				PicklistValues []struct {
					Value string `json:"value"`
					Label string `json:"label"`
				} `json:"picklistValues"`
			}
			require.NoError(s.t, json.Unmarshal(s.must(http.MethodGet, "/Tickets/entityInformation/fields", nil)["fields"], &all))
			labels := map[string]string{}
			for _, f := range all {
				if f.Name != "status" {
					continue
				}
				assert.Equal(s.t, "integer", f.DataType)
				assert.True(s.t, f.IsPickList)
				for _, v := range f.PicklistValues {
					labels[v.Value] = v.Label
				}
			}
			assert.Equal(s.t, "Complete", labels["5"])
			assert.Equal(s.t, "Completed", labels["8"])
		}},
		{"4 updates", func(s *stranger, _ *autotasktest.Server, id int64) {
			status, _ := s.call(http.MethodPatch, "/Tickets", map[string]any{"id": id, "title": "x"})
			assert.Equal(s.t, http.StatusMethodNotAllowed, status)
			for _, absent := range copied {
				current := s.ticket(id)
				body := map[string]any{"resolution": "partial"}
				for _, name := range copied {
					if name != absent {
						body[name] = current[name]
					}
				}
				status, answer := s.call(http.MethodPut, "/Tickets", body)
				assert.Equal(s.t, http.StatusInternalServerError, status, absent)
				assert.Contains(s.t, string(answer["errors"]), absent)
			}
			assert.False(s.t, isSet(s.ticket(id)["resolution"]))
		}},
		{"5 status semantics", func(s *stranger, _ *autotasktest.Server, id int64) {
			s.set(id, "status", 8)
			assert.Equal(s.t, "8", string(s.ticket(id)["status"]))
			assert.False(s.t, isSet(s.ticket(id)["completedDate"]) || isSet(s.ticket(id)["resolvedDateTime"]))
			s.set(id, "status", 5)
			assert.Equal(s.t, "5", string(s.ticket(id)["status"]))
			assert.True(s.t, isSet(s.ticket(id)["completedDate"]) && isSet(s.ticket(id)["resolvedDateTime"]))
		}},
		{"6 time entries", func(s *stranger, srv *autotasktest.Server, id int64) {
			assert.Empty(s.t, s.query("TimeEntries", "ticketID", id))
			srv.Seed("TimeEntries", map[string]any{"ticketID": id})
			assert.Len(s.t, s.query("TimeEntries", "ticketID", id), 1)
		}},
		{"7 notes", func(s *stranger, _ *autotasktest.Server, id int64) {
			for _, path := range []string{"/TicketNotes", "/TicketNote"} {
				status, _ := s.call(http.MethodPost, path, map[string]any{"TicketID": id, "Title": "x", "Description": "x", "NoteType": 1, "Publish": 1})
				assert.Equal(s.t, http.StatusNotFound, status, path)
			}
			info := s.must(http.MethodGet, "/TicketNotes/entityInformation", nil)
			assert.Contains(s.t, string(info["info"]), `"canCreate":true`)
			note := s.note(id)
			found := s.query("TicketNotes", "ticketID", id)
			require.Len(s.t, found, 1, "immediately visible")
			assert.Equal(s.t, note, number(s.t, found[0]["id"]))
			for _, name := range []string{"Title", "Description", "NoteType", "Publish"} {
				body := map[string]any{"Title": "x", "Description": "x", "NoteType": 1, "Publish": 1}
				delete(body, name)
				status, _ := s.call(http.MethodPost, fmt.Sprintf("/Tickets/%d/Notes", id), body)
				assert.Equal(s.t, http.StatusInternalServerError, status, name)
			}
		}},
		{"8 resolution", func(s *stranger, _ *autotasktest.Server, id int64) {
			before := s.ticket(id)
			s.set(id, "resolution", "Cable replaced.")
			after := s.ticket(id)
			assert.JSONEq(s.t, `"Cable replaced."`, string(after["resolution"]))
			for _, name := range append([]string{"ticketNumber", "completedDate", "resolvedDateTime"}, copied...) {
				assert.JSONEq(s.t, string(before[name]), string(after[name]), name)
			}
		}},
		{"9 workflow, test 1", func(s *stranger, _ *autotasktest.Server, id int64) {
			s.note(id)
			s.set(id, "resolution", "Cable replaced.")
			after := s.ticket(id)
			assert.Equal(s.t, "1", string(after["status"]))
			assert.False(s.t, isSet(after["completedDate"]) || isSet(after["resolvedDateTime"]))
		}},
		{"9 workflow, test 2", func(s *stranger, srv *autotasktest.Server, id int64) {
			other := seed(srv)
			srv.Seed("TimeEntries", map[string]any{"ticketID": other})
			for _, ticket := range []int64{id, other} {
				s.note(ticket)
				s.set(ticket, "resolution", "Cable replaced.")
				if len(s.query("TimeEntries", "ticketID", ticket)) == 0 {
					s.set(ticket, "status", 5)
				}
			}
			assert.True(s.t, isSet(s.ticket(id)["completedDate"]) && isSet(s.ticket(id)["resolvedDateTime"]))
			assert.Equal(s.t, "1", string(s.ticket(other)["status"]))
			assert.False(s.t, isSet(s.ticket(other)["completedDate"]) || isSet(s.ticket(other)["resolvedDateTime"]))
		}},
	} {
		t.Run(section.name, func(t *testing.T) {
			t.Parallel()
			s, srv := newStranger(t)
			section.test(s, srv, seed(srv))
		})
	}
}
