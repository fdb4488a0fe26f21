package autotasktest_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

func TestInformation(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	info := x.get("Tickets/entityInformation").ok().json()["info"]
	assert.JSONEq(t, `{"name":"Ticket","canCreate":true,"canDelete":false,"canQuery":true,"canUpdate":true,
		"userAccessForCreate":0,"userAccessForDelete":0,"userAccessForQuery":0,"userAccessForUpdate":0,
		"hasUserDefinedFields":true,"supportsWebhookCallouts":true}`, text(info))
	// See docs/api-notes.md, section 8: creatable by its own account, though not at its own address.
	note := x.get("TicketNotes/entityInformation").ok().json()["info"].(map[string]any)
	assert.Equal(t, true, note["canCreate"])
	assert.Equal(t, false, note["hasUserDefinedFields"])
	assert.Equal(t, note, x.get("Tickets/5/Notes/entityInformation").ok().json()["info"])
	assert.Equal(t, true, x.get("TimeEntries/entityInformation").ok().json()["info"].(map[string]any)["canDelete"])
}

// fields returns the metadata of an entity by the names of the fields.
func (x *tenant) fields(collection string) map[string]map[string]any {
	x.t.Helper()
	fields := map[string]map[string]any{}
	for _, f := range x.get(collection + "/entityInformation/fields").ok().json()["fields"].([]any) {
		m := f.(map[string]any)
		fields[m["name"].(string)] = m
	}
	return fields
}

func TestFieldInformation(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{
		{Value: "1", Label: "New", Default: true, System: true},
		{Value: "9", Label: "Waiting", Inactive: true},
	})
	fields := x.fields("Tickets")
	assert.NotContains(t, fields, "userDefinedFields")
	assert.JSONEq(t, `{"name":"status","dataType":"integer","length":0,"isRequired":true,"isReadOnly":false,
		"isQueryable":true,"isReference":false,"referenceEntityType":"","isPickList":true,"picklistValues":[
			{"value":"1","label":"New","isDefaultValue":true,"sortOrder":1,"parentValue":"","isActive":true,"isSystem":true},
			{"value":"9","label":"Waiting","isDefaultValue":false,"sortOrder":2,"parentValue":"","isActive":false,"isSystem":false}],
		"picklistParentValueField":"","isSupportedWebhookField":true}`, text(fields["status"]))
	assert.Equal(t, "issueType", fields["subIssueType"]["picklistParentValueField"])
	sub := fields["subIssueType"]["picklistValues"].([]any)
	assert.Equal(t, "10", sub[0].(map[string]any)["parentValue"])
	assert.Equal(t, []any{}, fields["monitorTypeID"]["picklistValues"])

	assert.JSONEq(t, `{"name":"resolution","dataType":"string","length":32000,"isRequired":false,"isReadOnly":false,
		"isQueryable":true,"isReference":false,"referenceEntityType":"","isPickList":false,"picklistValues":null,
		"picklistParentValueField":"","isSupportedWebhookField":true}`, text(fields["resolution"]))
	assert.Equal(t, "Company", fields["companyID"]["referenceEntityType"])
	assert.Equal(t, true, fields["completedDate"]["isReadOnly"])
	for name, want := range map[string]string{"id": "long", "companyID": "integer", "createDate": "datetime", "estimatedHours": "decimal", "isVisibleToComanaged": "boolean"} {
		assert.Equal(t, want, fields[name]["dataType"], name)
	}
	assert.Equal(t, "byte[]", x.fields("TicketAttachments")["data"]["dataType"])
}

func TestUDFInformation(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	assert.JSONEq(t, `{"fields":[]}`, x.get("Tickets/entityInformation/userDefinedFields").ok().body)
	seedTickets(x)
	var names []string
	for _, f := range x.get("Tickets/entityInformation/userDefinedFields").ok().json()["fields"].([]any) {
		names = append(names, f.(map[string]any)["name"].(string))
		assert.Equal(t, "string", f.(map[string]any)["type"])
	}
	assert.Equal(t, []string{"Seats", "Since", "Site"}, names)
	assert.True(t, slices.IsSorted(names))
}
