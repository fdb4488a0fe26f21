package webhook_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
	"github.com/autotask-go/autotask/internal/schema"
	"github.com/autotask-go/autotask/webhook"
)

func parse(t *testing.T, body string) *webhook.Event {
	t.Helper()
	e, err := webhook.ParseEvent([]byte(body))
	require.NoError(t, err, body)
	return e
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	assert.Equal(t, &webhook.Event{
		Action:         webhook.ActionUpdate,
		GUID:           "00000000-0000-4000-8000-000000000001",
		Entity:         "Ticket",
		EntityType:     "Ticket",
		ID:             4711,
		Fields:         webhook.Fields{"Title": json.RawMessage(`"Backup failed"`), "Status": json.RawMessage("5")},
		Time:           time.Date(2026, 11, 23, 12, 0, 0, 120e6, time.UTC),
		SequenceNumber: 17,
		PersonID:       29682885,
		Raw:            json.RawMessage(update),
	}, parse(t, update))
}

func TestParseEventIsLenient(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]webhook.Event{
		`{"action":"Create","GUID":"g","entitytype":"Contact","ID":"7","FIELDS":{},"eventTime":"2026-11-23T12:00:00Z","sequencenumber":"3","personId":4,"New":[1]}`: {
			Action: webhook.ActionCreate, GUID: "g", Entity: "Contact", EntityType: "Contact", ID: 7, Fields: webhook.Fields{},
			Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), SequenceNumber: 3, PersonID: 4,
		},
		// Company 0 is an item like any other.
		`{"Action":"Delete","EntityType":"Account","Id":0,"Fields":null}`: {Action: webhook.ActionDelete, Entity: "Company", EntityType: "Account"},
		// What is sent of deleted items is not documented.
		`{"Action":"Delete","EntityType":"Account","Id":1,"Fields":[]}`:                {Action: webhook.ActionDelete, Entity: "Company", EntityType: "Account", ID: 1},
		`{"Action":"Delete","EntityType":"Account","Id":1,"EventTime":""}`:             {Action: webhook.ActionDelete, Entity: "Company", EntityType: "Account", ID: 1},
		`{"Action":"Deactivated","Guid":"g"}`:                                          {Action: webhook.ActionDeactivated, GUID: "g"},
		`{"Action":"Merged","EntityType":"Kite","Id":9,"EventTime":"2026-11-23"}`:      {Action: "Merged", Entity: "Kite", EntityType: "Kite", ID: 9, Time: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		"{\"Action\":\"Create\",\"EntityType\":\"Ticket\",\"Id\":1,\"Guid\":\"\xc3\"}": {Action: webhook.ActionCreate, GUID: "\uFFFD", Entity: "Ticket", EntityType: "Ticket", ID: 1},
		`{"Action":"update","EntityType":"Ticket","Id":1}`:                             {Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1},
		`{"Action":"DEACTIVATED"}`:                                                     {Action: webhook.ActionDeactivated},
		// What cannot be read, or was sent twice, does not hide the event.
		`{"Action":"Update","EntityType":"Ticket","Id":1,"EventTime":"yesterday","PersonID":"me","SequenceNumber":1.5,"Guid":{"a":1}}`: {
			Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1,
		},
		`{"Action":"Update","EntityType":"Ticket","Id":1,"Guid":"a","guid":"b","PersonID":2,"PersonID":2,"SequenceNumber":7}`: {
			Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1, SequenceNumber: 7,
		},
		`{"Action":"Update","EntityType":"Ticket","Id":1,"Fields":{"a":1,"a":2}}`:   {Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1},
		`{"Action":"Update","EntityType":"Ticket","Id":1,"Fields":{"a":{},"a":[]}}`: {Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1},
		`{"Action":"Update","EntityType":"Ticket","Id":1,"New":{"a":1,"a":2}}`:      {Action: webhook.ActionUpdate, Entity: "Ticket", EntityType: "Ticket", ID: 1},
	} {
		want.Raw = json.RawMessage(body)
		assert.Equal(t, &want, parse(t, body), body)
	}
}

func TestParseEventKeepsItsOwnBytes(t *testing.T) {
	t.Parallel()
	body := []byte(update)
	e := parse(t, string(body))
	again, err := webhook.ParseEvent(body)
	require.NoError(t, err)
	clear(body)
	assert.Equal(t, e, again)
}

// The names are those that the table of the API has for the five entities.
func TestLegacyNames(t *testing.T) {
	t.Parallel()
	collections := map[string]string{
		"Company": "Companies", "ConfigurationItem": "ConfigurationItems", "Contact": "Contacts",
		"Ticket": "Tickets", "TicketNote": "TicketNotes",
	}
	legacy := map[string]string{"Company": "Account", "ConfigurationItem": "InstalledProduct"}
	for name, collection := range collections {
		e := schema.Lookup(collection).Entity
		require.Equal(t, name, e.Name)
		require.Equal(t, legacy[name], e.Legacy)
		for _, sent := range []string{e.Name, e.Legacy} {
			if sent == "" {
				continue
			}
			event := parse(t, fmt.Sprintf(`{"Action":"Update","EntityType":%q,"Id":1}`, sent))
			assert.Equal(t, name, event.Entity)
			assert.Equal(t, sent, event.EntityType)
		}
	}
	assert.Equal(t, "Company", parse(t, `{"Action":"Update","EntityType":"ACCOUNT","Id":1}`).Entity)
}

func TestFields(t *testing.T) {
	t.Parallel()
	f := webhook.Fields{"STATUS": json.RawMessage("1"), "status": json.RawMessage("2"), "Note": json.RawMessage("null")}
	for name, want := range map[string]string{"status": "2", "STATUS": "1", "Status": "1", "note": "null"} {
		got, ok := f.Get(name)
		assert.True(t, ok)
		assert.Equal(t, want, string(got), name)
	}
	_, ok := f.Get("stat")
	assert.False(t, ok)
	_, ok = webhook.Fields(nil).Get("status")
	assert.False(t, ok)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	e := parse(t, `{"Action":"Update","EntityType":"Ticket","Id":4711,"Fields":{
		"Title":"Backup failed","STATUS":5,"DueDateTime":"2026-11-24T08:00:00","RMMAlertID":"a7","Resolution":null,
		"UserDefinedFields":[{"Name":"Site","Value":"Delft"}],"Unheard":{"of":1}}}`)
	ticket := autotask.Ticket{Priority: 3}
	require.NoError(t, e.Decode(&ticket))
	assert.Equal(t, autotask.Ticket{
		ID: 4711, Title: "Backup failed", Status: 5, Priority: 3,
		DueDateTime:       autotask.Value(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)),
		RMMAlertID:        autotask.Value("a7"),
		Resolution:        autotask.Null[string](),
		UserDefinedFields: autotask.UDFs{{Name: "Site", Value: autotask.Value("Delft")}},
	}, ticket)

	var company entity.Company
	require.NoError(t, parse(t, `{"Action":"Create","EntityType":"Account","Id":1,"Fields":{"ID":0,"CompanyName":"Us"}}`).Decode(&company))
	assert.Equal(t, entity.Company{CompanyName: autotask.Value("Us")}, company)

	var twins autotask.Ticket
	require.NoError(t, parse(t, `{"Action":"Update","EntityType":"Ticket","Id":1,"Fields":{"title":"small","Title":"large"}}`).Decode(&twins))
	assert.Equal(t, "small", twins.Title)

	var contact entity.Contact
	require.NoError(t, parse(t, `{"Action":"Delete","EntityType":"Contact","Id":12}`).Decode(&contact))
	assert.Equal(t, int64(12), contact.ID)

	require.ErrorContains(t, e.Decode(&struct{ Title int64 }{}), "do not fit")
	bad := webhook.Event{Fields: webhook.Fields{"a": json.RawMessage("{")}}
	require.ErrorContains(t, bad.Decode(&ticket), "do not fit")
}

// One value that does not fit costs itself and nothing else.
func TestDecodeFieldByField(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"Title": `"Backup failed"`, "Status": `5`, "Priority": `3`, "CompanyID": `0`, "QueueID": `8`, "DueDateTime": `"2026-11-24T08:00:00"`,
		"EstimatedHours": `1.5`, "IsVisibleToComanaged": `true`, "UserDefinedFields": `[{"Name":"Site","Value":"Delft"}]`,
	}
	wrong := map[string]string{
		"Title": `{"a":1}`, "Status": `"Complete"`, "Priority": `"High"`, "CompanyID": `"Acme"`, "QueueID": `[8]`, "DueDateTime": `"tomorrow"`,
		"EstimatedHours": `"an hour"`, "IsVisibleToComanaged": `"perhaps"`, "UserDefinedFields": `[{"Name":"Site","Value":"Delft"},7]`,
	}
	event := func(bad ...string) *webhook.Event {
		fields := webhook.Fields{}
		for name, value := range values {
			fields[name] = json.RawMessage(value)
		}
		for _, name := range bad {
			fields[name] = json.RawMessage(wrong[name])
		}
		return &webhook.Event{ID: 4711, Fields: fields}
	}
	before := autotask.Ticket{
		Title: "before", Status: 1, Priority: 1, CompanyID: 9, QueueID: autotask.Int(1), DueDateTime: autotask.Null[time.Time](),
		EstimatedHours: autotask.Value(2.0), IsVisibleToComanaged: autotask.Value(false), UserDefinedFields: autotask.UDFs{{Name: "Old"}},
	}
	whole := before
	require.NoError(t, event().Decode(&whole))
	for name := range wrong {
		got := before
		err := event(name).Decode(&got)
		require.ErrorContains(t, err, "do not fit a *autotask.Ticket", name)
		assert.Contains(t, err.Error(), name)
		// With the field as it should have been, it is the whole ticket.
		assert.NotEqual(t, whole, got, name)
		require.NoError(t, (&webhook.Event{ID: 4711, Fields: webhook.Fields{name: json.RawMessage(values[name])}}).Decode(&got))
		assert.Equal(t, whole, got, name)
	}

	got := before
	err := event("Status", "Priority", "DueDateTime").Decode(&got)
	for _, name := range []string{"Status", "Priority", "DueDateTime"} {
		require.ErrorContains(t, err, name)
	}
	assert.Equal(t, "Backup failed", got.Title)
	assert.Equal(t, int64(1), got.Status)
	assert.True(t, got.DueDateTime.IsNull())

	into := map[string]int64{}
	require.Error(t, (&webhook.Event{ID: 1, Fields: webhook.Fields{"a": json.RawMessage("1"), "b": json.RawMessage(`"x"`)}}).Decode(&into))
	assert.Equal(t, map[string]int64{"id": 1, "a": 1}, into)

	for _, v := range []any{nil, autotask.Ticket{}, (*autotask.Ticket)(nil), 7} {
		require.ErrorContains(t, event("Status").Decode(v), "do not fit", "%T", v)
	}
}
