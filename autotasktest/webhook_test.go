package autotasktest_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with it
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// webhookLog takes the calls of webhooks.
type webhookLog struct {
	calls      []map[string]any
	bodies     []string
	signatures []string
	status     int
	then       func() // done at every call
}

func (l *webhookLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var call map[string]any
	_ = json.Unmarshal(body, &call)
	l.calls = append(l.calls, call)
	l.bodies = append(l.bodies, string(body))
	l.signatures = append(l.signatures, r.Header.Get("X-Hook-Signature"))
	if l.then != nil {
		l.then()
	}
	if l.status != 0 {
		w.WriteHeader(l.status)
	}
}

func signature(body string) string {
	mac := hmac.New(sha1.New, []byte("key"))
	_, _ = mac.Write([]byte(body))
	return "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// fieldIDs are the ids that the fields of a webhook go by.
func (x *tenant) fieldIDs(collection, field string) map[string]string {
	x.t.Helper()
	ids := make(map[string]string)
	for _, v := range x.fields(collection)[field]["picklistValues"].([]any) {
		value := v.(map[string]any)
		ids[value["label"].(string)] = value["value"].(string)
	}
	return ids
}

// webhook creates a webhook through the API that reports a field.
func (x *tenant) webhook(entity, url string, subscribed, displayed string) int64 {
	x.t.Helper()
	body := text(map[string]any{
		"name": "test", "webhookUrl": url, "deactivationUrl": url, "secretKey": "key",
		"isSubscribedToCreateEvents": true, "isSubscribedToUpdateEvents": true, "isSubscribedToDeleteEvents": true,
	})
	id := x.post(entity+"Webhooks", body).itemID()
	assert.Equal(x.t, false, x.item(path("%sWebhooks/%d", entity, id))["isReady"])
	ids := x.fieldIDs(entity+"WebhookFields", "fieldID")
	x.post(path("%sWebhooks/%d/Fields", entity, id), `{"fieldID":`+ids[subscribed]+`,"isSubscribedField":true}`).ok()
	x.post(path("%sWebhooks/%d/Fields", entity, id), `{"fieldID":`+ids[displayed]+`,"isDisplayAlwaysField":true}`).ok()
	item := x.item(path("%sWebhooks/%d", entity, id))
	assert.Equal(x.t, true, item["isReady"])
	assert.Len(x.t, item["webhookGUID"], 36)
	return id
}

// Package webhook makes webhooks of https addresses only; a test's server has a
// certificate of its own.
func TestSeededWebhookCallsAServerWithTLS(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		log := &webhookLog{}
		host := httptest.NewTLSServer(log)
		defer host.Close()
		webhook := x.Seed("TicketWebhooks", map[string]any{
			"name": "test", "webhookUrl": host.URL, "secretKey": "key", "isActive": true, "isSubscribedToUpdateEvents": true,
		})
		assert.Equal(t, false, x.Get("TicketWebhooks", webhook)["isReady"], "it has no field yet")
		x.Seed("TicketWebhookFields", map[string]any{"webhookID": webhook, "fieldID": x.WebhookFieldID("Tickets", "title"), "isSubscribedField": true})
		assert.Equal(t, true, x.Get("TicketWebhooks", webhook)["isReady"])
		assert.Equal(t, 1, x.FireWebhooks("Update", "Tickets", x.Seed("Tickets", nil)))
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		require.Len(t, log.calls, 1)
	})
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		log := &webhookLog{}
		host := httptest.NewServer(log)
		defer host.Close()
		webhook := x.webhook("Ticket", host.URL+"/hook", "title", "status")
		guid := x.item(path("TicketWebhooks/%d", webhook))["webhookGUID"]
		require.Zero(t, x.PendingWebhooks())

		x.Seed("Tickets", nil) // by nobody's request
		id := x.post("Tickets", newTicket("")).itemID()
		x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["title"] = "Changed" })).ok()
		x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) { m["priority"] = 1 })).ok() // which nobody subscribed to
		assert.Equal(t, 2, x.PendingWebhooks())
		assert.Empty(t, log.calls)
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		require.Len(t, log.calls, 2)
		for i, call := range log.calls {
			assert.Equal(t, signature(log.bodies[i]), log.signatures[i])
			assert.Equal(t, map[string]any{
				"Action": []string{"Create", "Update"}[i], "Guid": guid, "EntityType": "Ticket", "Id": float64(id),
				"Fields":    map[string]any{"title": []string{"Backup failed", "Changed"}[i], "status": 1.0},
				"EventTime": "2026-11-23T12:00:00.12Z", "SequenceNumber": float64(i + 1), "PersonID": float64(autotasktest.APIUserID),
			}, call)
		}

		seeded := x.Seed("Tickets", map[string]any{"title": "Seeded"})
		assert.Equal(t, 1, x.FireWebhooks("Update", "Tickets", seeded))
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		assert.Equal(t, map[string]any{"title": "Seeded", "status": 1.0}, log.calls[2]["Fields"])

		// Nothing comes of a write that was not one, of an excluded person, or of
		// a webhook that is not active.
		x.Inject(autotasktest.Fault{IgnoreWrite: true})
		x.post("Tickets", newTicket("")).ok()
		x.post(path("TicketWebhooks/%d/ExcludedResources", webhook), path(`{"resourceID":%d}`, autotasktest.APIUserID)).ok()
		x.post("Tickets", newTicket("")).ok()
		assert.Zero(t, x.PendingWebhooks())
		r := x.request("POST", "Tickets", newTicket(""))
		r.Header.Set("ImpersonationResourceId", text(autotasktest.TechnicianID))
		_, err := x.send(r)
		require.NoError(t, err)
		assert.Equal(t, 1, x.PendingWebhooks())
		x.do("PATCH", "TicketWebhooks", path(`{"id":%d,"isActive":false}`, webhook)).ok()
		assert.Zero(t, x.FireWebhooks("Create", "Tickets", seeded))
	})
}

func TestWebhooksOfEveryEntity(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	log := &webhookLog{}
	x.SetWebhookHandler(log)
	company := autotasktest.CustomerID
	ticket := x.Seed("Tickets", nil)
	x.webhook("Company", "https://example.com/hook", "companyName", "phone")
	x.webhook("Contact", "https://example.com/hook", "lastName", "companyID")
	x.webhook("ConfigurationItem", "https://example.com/hook", "referenceTitle", "companyID")
	x.webhook("TicketNote", "https://example.com/hook", "title", "ticketID")

	x.do("PATCH", "Companies", path(`{"id":%d,"companyName":"New"}`, company)).ok()
	contact := x.post(path("Companies/%d/Contacts", company), path(`{"companyID":%d,"firstName":"A","lastName":"B","isActive":1}`, company)).itemID()
	x.do("DELETE", path("Companies/%d/Contacts/%d", company, contact), "").ok()
	item := x.Seed("ConfigurationItems", nil)
	x.do("PATCH", "ConfigurationItems", path(`{"id":%d,"referenceTitle":"New"}`, item)).ok()
	x.post(path("Tickets/%d/Notes", ticket), noteBody).ok()
	require.NoError(t, x.DeliverWebhooks(t.Context()))
	var got []string
	for _, call := range log.calls {
		got = append(got, call["EntityType"].(string)+" "+call["Action"].(string)+" "+text(call["Fields"]))
	}
	assert.Equal(t, []string{
		`Account Update {"companyName":"New","phone":"Company 175"}`,
		`Contact Create {"companyID":175,"lastName":"B"}`,
		`Contact Delete {}`,
		`InstalledProduct Update {"companyID":0,"referenceTitle":"New"}`,
		`TicketNote Create {"ticketID":` + text(ticket) + `,"title":"Checked"}`,
	}, got)
}

func TestWebhooksThatCallTheTenant(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		log := &webhookLog{}
		host := httptest.NewServer(log)
		defer host.Close()
		x.webhook("TicketNote", host.URL, "title", "ticketID")
		ticket := x.Seed("Tickets", nil)
		log.then = func() {
			if len(log.calls) < 3 {
				x.post(path("Tickets/%d/Notes", ticket), noteBody).ok()
			}
		}
		x.post(path("Tickets/%d/Notes", ticket), noteBody).ok()
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		assert.Len(t, log.calls, 3)
		assert.Len(t, x.Rows("TicketNotes"), 3)
	})
}

func TestWebhooksThatFail(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	log := &webhookLog{status: http.StatusInternalServerError}
	host := httptest.NewServer(log)
	defer host.Close()
	x.webhook("Ticket", "https://webhook.example/hook", "title", "status")
	x.webhook("Ticket", host.URL, "title", "status")
	x.post("Tickets", newTicket("")).ok()
	err := x.DeliverWebhooks(t.Context())
	require.ErrorContains(t, err, "https://webhook.example/hook is not a loopback address")
	require.ErrorContains(t, err, "answered with 500")
	assert.Len(t, log.calls, 1)
	assert.Zero(t, x.PendingWebhooks())

	x.post("Tickets", newTicket("")).ok()
	require.Error(t, x.DeliverWebhooks(cancelled(t)))
	assert.Equal(t, 2, x.PendingWebhooks())
}

func TestWebhookSignatures(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	log := &webhookLog{}
	x.SetWebhookHandler(log)
	x.webhook("Ticket", "https://example.com/hook", "title", "status")
	id := x.Seed("Tickets", map[string]any{"title": "a"})
	x.SeedRaw("Tickets", []byte(strings.Replace(string(x.Raw("Tickets", id)), `"title":"a"`, `"title":"R&D <'`+"`"+`+> \"x\\y\" ü😀\n"`, 1)))
	for form, escaped := range map[autotasktest.WebhookSigning]string{
		autotasktest.SignBody:         "",
		autotasktest.SignEscapedUpper: `R\u0026D \u003C\u0027\u0060\u002B\u003E \u0022x\u005Cy\u0022 \u00FC\uD83D\uDE00\n`,
		autotasktest.SignEscapedLower: `R\u0026D \u003c\u0027\u0060\u002b\u003e \u0022x\u005cy\u0022 \u00fc\ud83d\ude00\n`,
	} {
		*log = webhookLog{}
		x.SetWebhookSigning(form)
		x.FireWebhooks("Create", "Tickets", id)
		require.NoError(t, x.DeliverWebhooks(t.Context()))
		signed := log.bodies[0]
		assert.Contains(t, signed, "R&D <'")
		if escaped != "" {
			from := strings.Index(signed, "R&D")
			to := strings.Index(signed, `\n"`) + 2
			signed = signed[:from] + escaped + signed[to:]
		}
		assert.Equal(t, signature(signed), log.signatures[0])
	}
}

func TestWebhooksOfUDFs(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	log := &webhookLog{}
	x.SetWebhookHandler(log)
	x.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"}, autotasktest.UDFDefinition{Name: "Seats"})
	webhook := x.post("TicketWebhooks", `{"webhookUrl":"https://example.com/","deactivationUrl":"https://example.com/","isSubscribedToUpdateEvents":true}`).itemID()
	x.post(path("TicketWebhooks/%d/UdfFields", webhook), `{"udfFieldID":1}`).refused("Picklist value [1] does not exist for udfFieldID")
	seats := x.fieldIDs("TicketWebhookUdfFields", "udfFieldID")["Seats"]
	field := x.post(path("TicketWebhooks/%d/UdfFields", webhook), `{"udfFieldID":`+seats+`,"isSubscribedField":true}`).itemID()
	id := x.Seed("Tickets", nil)
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) {
		m["userDefinedFields"] = []map[string]any{{"name": "Site", "value": "North"}, {"name": "Seats", "value": "4"}}
	})).ok()
	x.do("PUT", "Tickets", x.ticket(id, func(m map[string]any) {
		m["userDefinedFields"] = []map[string]any{{"name": "Site", "value": "South"}, {"name": "Seats", "value": "4"}}
	})).ok()
	require.NoError(t, x.DeliverWebhooks(t.Context()))
	require.Len(t, log.calls, 1)
	assert.Equal(t, map[string]any{"Seats": "4"}, log.calls[0]["Fields"])
	assert.Empty(t, log.signatures[0], "there is no key to sign with")

	x.do("DELETE", path("TicketWebhooks/%d/UdfFields/%d", webhook, field), "").ok()
	assert.Equal(t, false, x.item(path("TicketWebhooks/%d", webhook))["isReady"])
}
