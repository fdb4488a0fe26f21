package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/conformance"
)

// private are what a tenant may hold, or say, that nobody else may read.
var private = []string{
	"Zanzibar Bank", "mallory.quux@zanzibar.example", "0190-5550123", "hunter2-title", "hunter2-description", "hunter2-note",
	"hunter2-udf", "hunter2-label", "hunter2-error", "hunter2-header", "hunter2-zone", "29699123", "29699124", "T20991231.7777",
	"tenant-proxy.zanzibar.example",
}

// gossip makes a tenant that puts private things wherever it can.
func gossip(t *testing.T) *autotasktest.Server {
	srv := autotasktest.NewInProcess(t)
	company := srv.Seed("Companies", map[string]any{"id": 29699124, "companyName": "Zanzibar Bank", "phone": "0190-5550123"})
	contact := srv.Seed("Contacts", map[string]any{"companyID": company, "firstName": "Mallory", "emailAddress": "mallory.quux@zanzibar.example"})
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "hunter2-udf", Required: true})
	for i := range 3 {
		id := srv.Seed("Tickets", map[string]any{
			"id": 29699123 + 10*i, "companyID": company, "contactID": contact, "title": "hunter2-title", "description": "hunter2-description",
			"ticketNumber": fmt.Sprintf("T20991231.777%d", 7+i), "userDefinedFields": []map[string]any{{"name": "hunter2-udf", "value": "hunter2-udf"}},
		})
		srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "hunter2-note", "description": "hunter2-note"})
		srv.Seed("TimeEntries", map[string]any{"ticketID": id, "summaryNotes": "hunter2-note"})
	}
	srv.SetPicklist("Tickets", "queueID", []autotasktest.PicklistValue{{Value: "8", Label: "hunter2-label"}})
	return srv
}

// TestPublish looks for everything private in both forms of the report and in the
// errors, on a tenant that answers well and on those that answer as badly as can be.
func TestPublish(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]wrapper{
		"well": func(_ *testing.T, _ *autotasktest.Server, next http.RoundTripper) http.RoundTripper { return next },
		"everything is refused": answering(func(r *request) *http.Response {
			if r.op == "GET ThresholdInformation" {
				return nil
			}
			return reply(r, 500, `{"errors":["hunter2-error of Zanzibar Bank, mallory.quux@zanzibar.example"]}`)
		}),
		"everything is a page": answering(func(r *request) *http.Response { return reply(r, 200, "<h1>hunter2-error Zanzibar Bank</h1>") }),
		"writes are refused": answering(func(r *request) *http.Response {
			if strings.HasSuffix(r.op, "/Notes") || r.Method == http.MethodPut {
				return reply(r, 500, `{"errors":["hunter2-error: contactID 29699123 of Zanzibar Bank"]}`)
			}
			return nil
		}),
		"answers of other rows": editing(func(r *request, o obj, _ *http.Response) {
			if items, ok := o["items"].([]any); ok && strings.HasPrefix(r.op, "POST") {
				o["items"] = append(items, obj{"id": 29699123, "hunter2-title": "hunter2-title", "ticketID": 29699124, "createDate": "hunter2-note", "status": "hunter2-label"})
			}
		}),
		"odd metadata": editing(func(_ *request, o obj, _ *http.Response) {
			for _, name := range []string{"info"} {
				if info, ok := o[name].(obj); ok {
					info["userAccessForCreate"] = "hunter2-label"
				}
			}
			if fields, ok := o["fields"].([]any); ok {
				o["fields"] = append(fields, obj{"name": "hunter2-udf", "dataType": "hunter2-label", "isRequired": true})
			}
		}),
		"odd headers": editing(func(_ *request, o obj, resp *http.Response) {
			resp.Header.Set("X-Ratelimit-Hunter2-Header", "hunter2-header")
			resp.Header.Set("Retry-After", "hunter2-header")
			if details, ok := o["pageDetails"].(obj); ok {
				details["nextPageUrl"] = "https://tenant-proxy.zanzibar.example/hunter2-zone"
			}
			if _, ok := o["url"]; ok {
				o["url"], o["zoneName"] = "https://tenant-proxy.zanzibar.example/hunter2-zone/", "hunter2-zone"
			}
		}),
		"no connection": func(t *testing.T, _ *autotasktest.Server, next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/ThresholdInformation") && t.Context().Err() == nil {
					return next.RoundTrip(req)
				}
				return nil, fmt.Errorf("proxy of Zanzibar Bank: %s %s", req.URL, req.Header)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := gossip(t)
				to := tenant(srv)
				to.HTTPClient.Transport = wrap(t, srv, srv.Transport())
				var heard strings.Builder
				o := writing()
				o.OnCheck = func(r conformance.Result) { fmt.Fprintln(&heard, r) }
				report, err := conformance.Run(t.Context(), to, o)
				require.NotNil(t, report)
				failed := failures(t, report)
				if name == "well" {
					require.NoError(t, err)
					assert.Empty(t, failed)
				}
				require.NoError(t, report.WriteMarkdown(&heard))
				require.NoError(t, report.WriteJSON(&heard))
				fmt.Fprintf(&heard, "%v %+v %v", report, report, errors.Join(err))
				hush(t, heard.String(), srv.Credentials(), srv.BaseURL())
			})
		})
	}
}

// TestOddAnswers answers everything, or all reads, by something that nobody expects.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	for i, body := range []string{
		``, `null`, `[]`, `"hunter2-error"`, `{}`, `{"item":[]}`, `{"item":{}}`, `{"items":null}`, `{"items":[null]}`, `{"items":[{}]}`,
		`{"items":[{"id":29699123},{"id":29699133},{"id":29699143}],"pageDetails":[]}`, `{"fields":[{}],"info":[]}`, `{"itemId":{}}`, `{"itemId":"29699123"}`, `{"errors":[{}]}`,
	} {
		for _, only := range []string{"", []string{http.MethodGet, http.MethodPost, http.MethodPut}[i%3]} {
			t.Run(body+" "+only, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := gossip(t)
					before := srv.Snapshot()
					to := tenant(srv)
					to.HTTPClient.Transport = answering(func(r *request) *http.Response {
						if r.op != "GET ThresholdInformation" && (only == "" || r.Method == only) {
							return reply(r, 200, body)
						}
						return nil
					})(t, srv, srv.Transport())
					report, _ := conformance.Run(t.Context(), to, writing())
					assert.NotEmpty(t, failures(t, report))
					after := srv.Snapshot()
					for path, row := range before {
						assert.Equal(t, row, after[path], path)
					}
				})
			})
		}
	}
}

// TestPublishFailure looks for the same in the errors of runs that do not begin.
func TestPublishFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := gossip(t)
		for _, answer := range []func(r *request) (*http.Response, error){
			func(r *request) (*http.Response, error) { return reply(r, 401, "hunter2-error"), nil },
			func(r *request) (*http.Response, error) { return reply(r, 503, "hunter2-error"), nil },
			func(r *request) (*http.Response, error) {
				return nil, fmt.Errorf("hunter2-error %s %v", r.URL, r.Header)
			},
		} {
			to := tenant(srv)
			to.HTTPClient.Transport = roundTrip(func(req *http.Request) (*http.Response, error) { return answer(&request{Request: req}) })
			_, err := conformance.Run(t.Context(), to, conformance.Options{})
			require.Error(t, err)
			hush(t, err.Error(), srv.Credentials(), srv.BaseURL())
		}
	})
}

func hush(t *testing.T, heard string, creds autotask.Credentials, base string) {
	t.Helper()
	host := strings.TrimSuffix(base, "/ATServicesRest/V1.0")
	_, host, _ = strings.Cut(host, "://")
	for _, secret := range append(private, creds.UserName, creds.Secret, creds.IntegrationCode, host) {
		require.NotEmpty(t, secret)
		assert.NotContains(t, strings.ToLower(heard), strings.ToLower(secret))
		quoted, err := json.Marshal(secret)
		require.NoError(t, err)
		assert.NotContains(t, heard, strings.Trim(string(quoted), `"`))
	}
}
