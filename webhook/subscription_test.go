package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/webhook"
)

func subscription() webhook.Subscription {
	return webhook.Subscription{
		Entity:          "Ticket",
		Name:            "Ticket mirror",
		URL:             "https://hooks.example.com/autotask?token=t0k3n",
		DeactivationURL: "https://hooks.example.com/off",
		Secret:          secret,
		OnCreate:        true,
		OnUpdate:        true,
		WatchFields:     []string{"title", "Status"},
		IncludeFields:   []string{"status", "ticketNumber"},
	}
}

func writes(srv *autotasktest.Server) []string {
	var all []string
	for _, r := range srv.Requests() {
		if !strings.HasPrefix(r.Op, "GET ") && !strings.Contains(r.Op, "/query") {
			all = append(all, r.Op)
		}
	}
	return all
}

// rowsOf are the fields of a webhook, by the ids of their fields: whether they
// are subscribed and shown.
func rowsOf(t *testing.T, srv *autotasktest.Server, collection string, webhook int64) map[string][2]bool {
	t.Helper()
	rows := make(map[string][2]bool)
	for _, r := range srv.Rows(collection) {
		if fmt.Sprint(r["webhookID"]) != fmt.Sprint(webhook) {
			continue
		}
		of := r["fieldID"]
		if of == nil {
			of = r["udfFieldID"]
		}
		require.NotContains(t, rows, fmt.Sprint(of))
		rows[fmt.Sprint(of)] = [2]bool{r["isSubscribedField"] == true, r["isDisplayAlwaysField"] == true}
	}
	return rows
}

func fieldIDs(srv *autotasktest.Server, want map[string][2]bool) map[string][2]bool {
	ids := make(map[string][2]bool)
	for name, flags := range want {
		ids[fmt.Sprint(srv.WebhookFieldID("Tickets", name))] = flags
	}
	return ids
}

var (
	subscribed = [2]bool{true, false}
	shown      = [2]bool{false, true}
	both       = [2]bool{true, true}
)

func TestEnsureCreates(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"}, autotasktest.UDFDefinition{Name: "Floor"})
	s := subscription()
	s.WatchUDFs, s.IncludeUDFs = []string{"site"}, []string{"Floor"}
	s.ExcludedResources = []int64{autotasktest.TechnicianID, autotasktest.APIUserID, autotasktest.TechnicianID}
	s.OwnerResourceID = autotasktest.TechnicianID
	s.NotifyEmail = "ops@example.com"
	id, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.NoError(t, err)

	// Inactive until all is there.
	assert.Equal(t, []string{
		"POST TicketWebhooks",
		"POST TicketWebhooks/ExcludedResources", "POST TicketWebhooks/ExcludedResources",
		"POST TicketWebhooks/Fields", "POST TicketWebhooks/Fields", "POST TicketWebhooks/Fields",
		"POST TicketWebhooks/UdfFields", "POST TicketWebhooks/UdfFields",
		"PATCH TicketWebhooks",
	}, writes(srv))
	for _, r := range srv.Requests() {
		switch r.Op {
		case "POST TicketWebhooks":
			assert.Contains(t, string(r.Body), `"isActive":false`)
		case "PATCH TicketWebhooks":
			assert.JSONEq(t, fmt.Sprintf(`{"id":%d,"isActive":true}`, id), string(r.Body))
		}
	}
	hook, err := autotask.Get[entity.TicketWebhook](t.Context(), srv.Client(), id)
	require.NoError(t, err)
	hook.WebhookGUID, hook.IsReady = autotask.Optional[string]{}, autotask.Optional[bool]{}
	assert.Equal(t, &entity.TicketWebhook{
		ID: id, Name: autotask.Value(s.Name), WebhookURL: autotask.Value(s.URL), DeactivationURL: autotask.Value(s.DeactivationURL),
		SecretKey: autotask.Value(secret), IsActive: autotask.Value(true), OwnerResourceID: autotask.Value(autotasktest.TechnicianID),
		IsSubscribedToCreateEvents: autotask.Value(true), IsSubscribedToUpdateEvents: autotask.Value(true), IsSubscribedToDeleteEvents: autotask.Value(false),
		NotificationEmailAddress: autotask.Value("ops@example.com"), SendThresholdExceededNotification: autotask.Value(true),
	}, hook)
	assert.Equal(t, fieldIDs(srv, map[string][2]bool{"title": subscribed, "status": both, "ticketNumber": shown}),
		rowsOf(t, srv, "TicketWebhookFields", id))
	assert.Equal(t, fieldIDs(srv, map[string][2]bool{"Site": subscribed, "Floor": shown}), rowsOf(t, srv, "TicketWebhookUdfFields", id))
	assert.Len(t, srv.Rows("TicketWebhookExcludedResources"), 2)
	assert.LessOrEqual(t, srv.MaxInFlight("TicketWebhooks"), 1)
}

func TestEnsureEveryEntity(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	h, l := newHandler(t)
	srv.SetWebhookHandler(h)
	for name, field := range map[string]string{
		"Company": "companyName", "ConfigurationItem": "referenceTitle", "Contact": "lastName", "Ticket": "title", "TicketNote": "title",
	} {
		s := subscription()
		s.Entity, s.WatchFields, s.IncludeFields = name, []string{field}, nil
		s.ExcludedResources = []int64{autotasktest.TechnicianID}
		id, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err, name)
		again, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err, name)
		assert.Equal(t, id, again)
		assert.Len(t, srv.Rows(name+"Webhooks"), 1)
		assert.Len(t, srv.Rows(name+"WebhookFields"), 1)
		assert.Len(t, srv.Rows(name+"WebhookExcludedResources"), 1)
	}
	for collection, name := range map[string]string{
		"Companies": "Company", "ConfigurationItems": "ConfigurationItem", "Contacts": "Contact", "Tickets": "Ticket", "TicketNotes": "TicketNote",
	} {
		id := srv.Seed(collection, nil)
		require.Equal(t, 1, srv.FireWebhooks("Create", collection, id))
		require.NoError(t, srv.DeliverWebhooks(t.Context()))
		e := l.events[len(l.events)-1]
		assert.Equal(t, name, e.Entity)
		assert.Equal(t, id, e.ID)
		assert.Len(t, e.Fields, 1)
	}
}

// Webhooks as the fake tenant makes them come through, however they are signed.
func TestDelivery(t *testing.T) {
	t.Parallel()
	for _, form := range []autotasktest.WebhookSigning{autotasktest.SignBody, autotasktest.SignEscapedUpper, autotasktest.SignEscapedLower} {
		srv := autotasktest.NewInProcess(t)
		h, l := newHandler(t, webhook.WithEscapedSignatures())
		srv.SetWebhookHandler(h)
		srv.SetWebhookSigning(form)
		_, err := webhook.Ensure(t.Context(), srv.Client(), subscription())
		require.NoError(t, err)
		const title = `Grüße: "a" & <b> \ 😀`
		id := srv.Seed("Tickets", map[string]any{"title": title})
		srv.FireWebhooks("Update", "Tickets", id)
		require.NoError(t, srv.DeliverWebhooks(t.Context()))
		require.Len(t, l.events, 1)
		var ticket autotask.Ticket
		require.NoError(t, l.events[0].Decode(&ticket))
		assert.Equal(t, title, ticket.Title)
		assert.Equal(t, id, ticket.ID)
		assert.False(t, l.events[0].Time.IsZero())
	}
}

func TestEnsureBringsInLine(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	s := subscription()
	id, err := webhook.Ensure(t.Context(), client, s)
	require.NoError(t, err)
	other := s
	other.Name = "Another"
	otherID, err := webhook.Ensure(t.Context(), client, other)
	require.NoError(t, err)
	require.NotEqual(t, id, otherID)
	otherRows := rowsOf(t, srv, "TicketWebhookFields", otherID)

	require.NoError(t, autotask.Patch(t.Context(), client, id, &entity.TicketWebhook{IsActive: autotask.Value(false)}))
	before := len(writes(srv))
	s.Secret, s.OnDelete, s.OnUpdate = "another", true, false
	s.WatchFields, s.IncludeFields = []string{"status", "priority"}, nil
	again, err := webhook.Ensure(t.Context(), client, s)
	require.NoError(t, err)
	assert.Equal(t, id, again)
	assert.Equal(t, []string{
		"PATCH TicketWebhooks", "PATCH TicketWebhooks/Fields", "POST TicketWebhooks/Fields",
		"DELETE TicketWebhooks/Fields", "DELETE TicketWebhooks/Fields", "PATCH TicketWebhooks",
	}, writes(srv)[before:])
	for _, r := range srv.Requests() {
		if r.Op == "PATCH TicketWebhooks/Fields" {
			assert.Regexp(t, `^{"id":\d+,"isDisplayAlwaysField":false}$`, string(r.Body))
		}
	}
	assert.Equal(t, fieldIDs(srv, map[string][2]bool{"status": subscribed, "priority": subscribed}), rowsOf(t, srv, "TicketWebhookFields", id))
	row := srv.Get("TicketWebhooks", id)
	for field, want := range map[string]any{
		"secretKey": "another", "isActive": true,
		"isSubscribedToCreateEvents": true, "isSubscribedToUpdateEvents": false, "isSubscribedToDeleteEvents": true,
	} {
		assert.Equal(t, want, row[field], field)
	}
	assert.Equal(t, otherRows, rowsOf(t, srv, "TicketWebhookFields", otherID))

	before = len(writes(srv))
	_, err = webhook.Ensure(t.Context(), client, s)
	require.NoError(t, err)
	assert.Equal(t, []string{"PATCH TicketWebhooks"}, writes(srv)[before:], "only the settings, which may not be readable")
}

// A server that lists more than it was asked for must not cost another webhook
// its fields.
func TestEnsureLeavesTheRowsOfOtherWebhooks(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	s := subscription()
	s.Name = "Another"
	other, err := webhook.Ensure(t.Context(), client, s)
	require.NoError(t, err)
	listed, err := json.Marshal(map[string]any{"items": srv.Rows("TicketWebhookFields"), "pageDetails": map[string]any{}})
	require.NoError(t, err)
	before := rowsOf(t, srv, "TicketWebhookFields", other)
	srv.Inject(autotasktest.Fault{Op: "POST TicketWebhookFields/query", Status: 200, Body: string(listed)})
	id, err := webhook.Ensure(t.Context(), client, subscription())
	require.NoError(t, err)
	require.Empty(t, srv.PendingFaults())
	assert.Equal(t, before, rowsOf(t, srv, "TicketWebhookFields", other))
	assert.Equal(t, before, rowsOf(t, srv, "TicketWebhookFields", id), "it has its own")
}

// Whichever of the writes fails, for good or with its answer lost, calling
// Ensure again ends with one whole webhook; and none that is made in part is
// active.
func TestEnsureGoesOn(t *testing.T) {
	t.Parallel()
	for _, fault := range []autotasktest.Fault{
		{Status: http.StatusBadRequest, Body: `{"errors":["No."]}`}, {DropResponse: true},
	} {
		for k, with := range []string{"", "its settings", "its settings, title", "its settings, title, Status"} {
			srv := autotasktest.NewInProcess(t)
			client := srv.Client(autotask.WithMaxRetries(0))
			fault.Op, fault.Skip = "POST TicketWebhooks", 0
			if k > 0 {
				fault.Op, fault.Skip = "POST TicketWebhooks/Fields", k-1
			}
			srv.Inject(fault)
			id, err := webhook.Ensure(t.Context(), client, subscription())
			require.Error(t, err)
			require.Empty(t, srv.PendingFaults())
			assert.Equal(t, fault.DropResponse, errors.Is(err, autotask.ErrOutcomeUnknown))
			assert.Equal(t, k == 0, id == 0)
			assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), secret)
			var e *autotask.Error
			require.ErrorAs(t, err, &e)
			assert.NotContains(t, string(e.Sent), secret)
			if k > 0 {
				require.ErrorContains(t, err, fmt.Sprintf("TicketWebhook %d has been given %s; call Ensure again", id, with))
			}
			for _, row := range srv.Rows("TicketWebhooks") {
				assert.Equal(t, false, row["isActive"])
			}

			again, err := webhook.Ensure(t.Context(), client, subscription())
			require.NoError(t, err)
			assert.True(t, id == 0 || id == again)
			require.Len(t, srv.Rows("TicketWebhooks"), 1)
			assert.Equal(t, true, srv.Get("TicketWebhooks", again)["isActive"])
			assert.Len(t, rowsOf(t, srv, "TicketWebhookFields", again), 3)
		}
	}
}

func TestEnsureTellsWhereItStopped(t *testing.T) {
	t.Parallel()
	for want, fault := range map[string]autotasktest.Fault{
		"nothing was changed: writing its settings": {Op: "PATCH TicketWebhooks"},
		"reading its TicketWebhookFields":           {Op: "POST TicketWebhookFields/query"},
		"setting priority":                          {Op: "POST TicketWebhooks/Fields"},
		"deleting":                                  {Op: "DELETE TicketWebhooks/Fields"},
		"activating it":                             {Op: "PATCH TicketWebhooks", Skip: 1},
		"its TicketWebhookUdfFields":                {Op: "POST TicketWebhookUdfFields/query"},
		"TicketWebhookExcludedResources":            {Op: "POST TicketWebhookExcludedResources/query"},
		"title, Status, ticketNumber; call":         {Op: "POST TicketWebhookUdfFields/query"},
	} {
		srv := autotasktest.NewInProcess(t)
		s := subscription()
		id, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err)
		require.NoError(t, autotask.Patch(t.Context(), srv.Client(), id, &entity.TicketWebhook{IsActive: autotask.Value(false)}))
		switch want {
		case "setting priority":
			s.WatchFields = []string{"priority"}
		case "deleting":
			s.IncludeFields = nil
		}
		fault.Status, fault.Body = http.StatusForbidden, `{"errors":["Not you."]}`
		srv.Inject(fault)
		got, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.ErrorIs(t, err, autotask.ErrPermission, want)
		require.ErrorContains(t, err, want)
		assert.Equal(t, id, got)
	}

	srv := autotasktest.NewInProcess(t)
	srv.Inject(autotasktest.Fault{Op: "POST TicketWebhooks/query", Status: http.StatusForbidden, Body: `{"errors":["Not you."]}`})
	id, err := webhook.Ensure(t.Context(), srv.Client(), subscription())
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.Zero(t, id)

	// A webhook that Autotask leaves inactive is not taken for an active one.
	srv.Inject(autotasktest.Fault{Op: "PATCH TicketWebhooks", IgnoreWrite: true})
	_, err = webhook.Ensure(t.Context(), srv.Client(), subscription())
	require.ErrorIs(t, err, autotask.ErrNotApplied)
}

// What Autotask answers with success and does not keep is no success.
func TestEnsureIgnored(t *testing.T) {
	t.Parallel()
	for field, test := range map[string]struct {
		op     string
		times  int
		change func(*webhook.Subscription)
	}{
		"isSubscribedToDeleteEvents":   {"PATCH TicketWebhooks", 2, func(s *webhook.Subscription) { s.OnDelete = true }},
		"notificationEmailAddress":     {"PATCH TicketWebhooks", 2, func(s *webhook.Subscription) { s.NotifyEmail = "" }},
		"did not keep webhookUrl":      {"PATCH TicketWebhooks", 1, func(s *webhook.Subscription) { s.URL = "https://example.com/?token=t0k3n2" }},
		"did not keep deactivationUrl": {"PATCH TicketWebhooks", 1, func(s *webhook.Subscription) { s.DeactivationURL = "https://example.com/?token=t0k3n2" }},
		"did not keep secretKey":       {"PATCH TicketWebhooks", 1, func(s *webhook.Subscription) { s.Secret = "t0k3n" }},
		"isDisplayAlwaysField":         {"PATCH TicketWebhooks/Fields", 1, func(s *webhook.Subscription) { s.IncludeFields = []string{"title", "status", "ticketNumber"} }},
	} {
		srv := autotasktest.NewInProcess(t)
		s := subscription()
		s.NotifyEmail = "ops@example.com"
		id, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err)
		test.change(&s)
		srv.Inject(autotasktest.Fault{Op: test.op, IgnoreWrite: true, Times: test.times})
		got, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.ErrorIs(t, err, autotask.ErrNotApplied, field)
		require.ErrorContains(t, err, field)
		assert.NotContains(t, err.Error(), "t0k3n")
		assert.NotContains(t, err.Error(), secret)
		assert.Equal(t, id, got)

		require.Empty(t, srv.PendingFaults())
		_, err = webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err, field)
	}
}

// A webhook that does not show its secret cannot be compared with it.
func TestEnsureHiddenSecret(t *testing.T) {
	t.Parallel()
	for _, hidden := range []any{nil, "", "********"} {
		srv := autotasktest.NewInProcess(t)
		s := subscription()
		id, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err)
		srv.Inject(autotasktest.Fault{Op: "PATCH TicketWebhooks", Edit: func(row map[string]any) { row["secretKey"] = hidden }})
		again, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.NoError(t, err)
		assert.Equal(t, id, again)
		assert.Equal(t, hidden, srv.Get("TicketWebhooks", id)["secretKey"])
	}
}

// Autotask may take the white space around a text off.
func TestEnsureTrimmedSecret(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	s := subscription()
	s.Secret = " " + secret + " "
	srv.Inject(autotasktest.Fault{Op: "POST TicketWebhooks", Edit: func(row map[string]any) { row["secretKey"] = secret }})
	id, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.NoError(t, err)
	assert.Equal(t, secret, srv.Get("TicketWebhooks", id)["secretKey"])
}

// A new address moves the webhook, and what the Subscription no longer names is
// removed, except the owner.
func TestEnsureMovesAndClears(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	s := subscription()
	s.NotifyEmail, s.OwnerResourceID = "ops@example.com", autotasktest.TechnicianID
	id, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.NoError(t, err)
	s.URL, s.NotifyEmail, s.OwnerResourceID = "https://hooks.example.com/new", "", 0
	again, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.NoError(t, err)
	assert.Equal(t, id, again)
	require.Len(t, srv.Rows("TicketWebhooks"), 1)
	hook, err := autotask.Get[entity.TicketWebhook](t.Context(), srv.Client(), id)
	require.NoError(t, err)
	assert.Equal(t, autotask.Value(s.URL), hook.WebhookURL)
	assert.Equal(t, autotask.Null[string](), hook.NotificationEmailAddress)
	assert.Equal(t, autotask.Value(false), hook.SendThresholdExceededNotification)
	assert.Equal(t, autotask.Value(autotasktest.TechnicianID), hook.OwnerResourceID)
}

func TestEnsureLostSettings(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	_, err := webhook.Ensure(t.Context(), srv.Client(), subscription())
	require.NoError(t, err)
	srv.Inject(autotasktest.Fault{Op: "PATCH TicketWebhooks", DropResponse: true})
	_, err = webhook.Ensure(t.Context(), srv.Client(autotask.WithMaxRetries(0)), subscription())
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "may have its new settings; nothing else was changed")
}

func TestEnsureTwins(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	s := subscription()
	var ids []int64
	for range 2 {
		ids = append(ids, srv.Seed("TicketWebhooks", map[string]any{"name": s.Name, "webhookUrl": s.URL + fmt.Sprint(len(ids))}))
	}
	_, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.ErrorIs(t, err, autotask.ErrAmbiguous)
	var ambiguous *autotask.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	assert.Equal(t, ids, ambiguous.IDs())
	assert.Empty(t, writes(srv))
}

func TestEnsureRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*webhook.Subscription){
		`the entity "Tickets" has no webhooks; these have: Company, ConfigurationItem`: func(s *webhook.Subscription) { s.Entity = "Tickets" },
		"the Name is empty":                func(s *webhook.Subscription) { s.Name = " " },
		"the Name has 51 characters":       func(s *webhook.Subscription) { s.Name = strings.Repeat("ü", 51) },
		"the URL must be":                  func(s *webhook.Subscription) { s.URL = "http://example.com/?token=t0k3n" },
		"the URL must be a complete":       func(s *webhook.Subscription) { s.URL = "https:///t0k3n" },
		"the URL must be a complete https": func(s *webhook.Subscription) { s.URL = "://t0k3n" },
		"the URL has 501 characters":       func(s *webhook.Subscription) { s.URL = "https://example.com/" + strings.Repeat("t", 481) },
		"the DeactivationURL must":         func(s *webhook.Subscription) { s.DeactivationURL = "" },
		"the Secret is empty":              func(s *webhook.Subscription) { s.Secret = "" },
		"the Secret has 65 characters":     func(s *webhook.Subscription) { s.Secret = strings.Repeat("s", 65) },
		"the OwnerResourceID is not an id": func(s *webhook.Subscription) { s.OwnerResourceID = -1 },
		"one of the ExcludedResources":     func(s *webhook.Subscription) { s.ExcludedResources = []int64{0} },
		"no action triggers an event":      func(s *webhook.Subscription) { s.OnCreate, s.OnUpdate, s.OnDelete = false, false, false },
		"has no field": func(s *webhook.Subscription) {
			s.WatchFields, s.IncludeFields, s.WatchUDFs = nil, nil, []string{"Site"}
		},
		"TicketNote has no user-defined":   func(s *webhook.Subscription) { s.Entity, s.WatchUDFs = "TicketNote", []string{"Site"} },
		"the Name is empty; the URL must ": func(s *webhook.Subscription) { s.Name, s.URL = "", "" },
	} {
		srv := autotasktest.NewInProcess(t)
		s := subscription()
		change(&s)
		id, err := webhook.Ensure(t.Context(), srv.Client(), s)
		require.ErrorIs(t, err, autotask.ErrInvalid, want)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "t0k3n")
		assert.Zero(t, id)
		assert.Empty(t, srv.Requests())
	}
}

func TestEnsureUnknownFields(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	srv.SetUDFs("Tickets", autotasktest.UDFDefinition{Name: "Site"})
	s := subscription()
	s.WatchFields, s.IncludeFields, s.WatchUDFs = []string{"statuss", "title"}, []string{"titel"}, []string{"Sites"}
	_, err := webhook.Ensure(t.Context(), srv.Client(), s)
	require.ErrorIs(t, err, autotask.ErrInvalid)
	for _, want := range []string{`no value "statuss"; did you mean "status"`, `no value "titel"; did you mean "title"`, `no value "Sites"; did you mean "Site"`} {
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, writes(srv))

	// A picklist that cannot be read is one failure, however many fields there are.
	srv = autotasktest.NewInProcess(t)
	srv.Inject(autotasktest.Fault{Op: "GET TicketWebhookFields/entityInformation/fields", Status: http.StatusForbidden, Body: `{"errors":["Not you."]}`})
	_, err = webhook.Ensure(t.Context(), srv.Client(), subscription())
	require.ErrorIs(t, err, autotask.ErrPermission)
	assert.Len(t, srv.Requests(), 1)
}

func TestSubscriptionShowsNoSecret(t *testing.T) {
	t.Parallel()
	s := subscription()
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("j", "s", s, "p", &s)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("t", "s", s, "p", &s)
	text := logged.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s)
	}
	encoded, err := json.Marshal(map[string]any{"s": s, "p": &s})
	require.NoError(t, err)
	text += string(encoded)
	assert.NotContains(t, text, secret)
	assert.NotContains(t, text, fmt.Sprintf("%x", secret))
	assert.Contains(t, text, "Ticket mirror")

	assert.Contains(t, string(encoded), `"Secret":""`)
}
