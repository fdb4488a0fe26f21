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

// The requests of the vendor's Postman collection, in its order: with its paths,
// spellings and bodies as they are formed there, and invented values.
func TestTheVendorsCollection(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	x.Seed("Tickets", map[string]any{"id": 7865})
	x.Seed("TicketAttachments", map[string]any{"id": 91, "ticketID": 7865})
	x.Seed("Contacts", map[string]any{"id": 30682903, "companyID": 175, "lastName": "Smith"})
	x.Seed("Resources", map[string]any{"id": 29682885, "isActive": true})
	x.Seed("ContactGroups", map[string]any{"id": 4, "name": "four"})
	x.Seed("ContactGroups", map[string]any{"id": 5, "name": "five"})
	x.Seed("CompanyWebhooks", map[string]any{"id": 4})
	x.SetUDFs("Companies", autotasktest.UDFDefinition{Name: "CustomerRanking"})
	x.SetPicklist("CompanyWebhookUdfFields", "udfFieldID", []autotasktest.PicklistValue{{Value: "29682851", Label: "CustomerRanking"}})
	x.Seed("Companies", map[string]any{"companyName": "Example Corp", "companyType": 1,
		"userDefinedFields": []map[string]any{{"name": "CustomerRanking", "value": "Golden"}}})

	const attachment = `{
    "id": 0,
    "attachDate": "2020-10-05T10:59:57.537",
    "attachedByContactID": null,
    "attachedByResourceID": null,
    "attachmentType": "FILE_ATTACHMENT",
    "fullPath": "Example.txt",
    "publish": 1,
    "title": "Example of a file",
    "data": "RXhhbXBsZSBmaWxlLg0K"
}`
	for _, c := range []struct {
		method, path, search, body string
		as                         string
		found                      int // rows; -1 for an answer that is none
	}{
		{"GET", "zoneInformation?user=" + url.QueryEscape(x.Credentials().UserName), "", "", "", -1},
		{"GET", "ThresholdInformation", "", "", "", -1},
		{"GET", "Companies/entityinformation", "", "", "", -1},
		{"GET", "Companies/entityinformation/fields", "", "", "", -1},
		{"GET", "Tickets/entityinformation/fields", "", "", "", -1},
		{"GET", "Contacts/query", `{"filter":[{"op":"eq","field":"CompanyID","value":175}]}`, "", "", 1},
		{"GET", "Companies/0", "", "", "", -1},
		{"GET", "Companies/query", `{"filter":[{"op":"eq","field":"CompanyName","value":"Example Corp"}]}`, "", "", 1},
		{"GET", "Companies/query", `{ "filter":[{"op" : "exist", "field" : "id" }]}`, "", "", 3},
		{"GET", "Companies/query", `{"filter":[{"op":"in","field":"CompanyType","value":[1,3,7]}]}`, "", "", 3},
		{"GET", "Companies/query", `{"filter":[{"op":"eq","field":"CustomerRanking","udf":true,"value":"Golden"}]}`, "", "", 1},
		{"GET", "Companies/query", `{"IncludeFields": ["Id", "isactive","companyName", "phone"],"filter":[{"op":"eq","field":"id","value":0}]}  `, "", "", 1},
		{"GET", "Companies/query/count", `{"filter":[{"op":"eq","field":"CompanyType","value":1}]}`, "", "", -1},
		{"GET", "Companies/query", `{"MaxRecords":10, "filter":[{"op":"eq","field":"CompanyType","value":1}]}`, "", "", 3},
		{"GET", "tickets/entityinformation/fields", "", "", "", -1},
		{"GET", "tickets/query", `{"filter":[{"op":"noteq","field":"Status","value":5},{"op":"eq","field":"CompanyID","value":0}]}`, "", "", 1},
		{"GET", "invoices/query", `{"filter":[{"op":"gte","field":"InvoiceDateTime","value":"2090-09-01T00:00:00"}]}`, "", "", 0},
		{"GET", "BillingItems/query", `{"filter":[{"op":"eq","field":"InvoiceID","value":7364}]}`, "", "", 0},
		{"GET", "SalesOrders/query", `{ "filter": [ {"op" : "eq", "field" : "BillToCountryID", "value":237 }]}`, "", "", 0},
		{"GET", "UserDefinedFieldDefinitions/query", `{"filter":[{"op":"eq","field":"UdfType","value":1}]}`, "", "", 0},
		{"POST", "Contacts/query", "", "{\r\n    \"filter\": [\r\n        {\"op\": \"eq\", \"field\": \"IsActive\", \"value\": true},\r\n" +
			`{"op": "or", "items": [{"op": "eq", "field": "lastname", "value": "Smith"}, {"op": "and", "items": [{"op": "eq", "field": "firstname", "value": "Chris"}]}]}]}`, "", 1},
		{"POST", "UserDefinedFieldDefinitions", "", "{\r\n\t\"id\": 0,\r\n\t\"DataType\": 1,\r\n\t\"Name\": \"Example Ranking\",\r\n\t\"UdfType\": 1\r\n}", "", -1},
		{"POST", "ContactGroups", "", "{\n    \"id\": \"0\",\n    \"Name\": \"Example\",\n    \"IsActive\": \"True\"\n}", "", -1},
		{"POST", "Companies", "", `{"companyName":"Example n", "companyType":1, "ownerResourceID":4, "phone":"5550100"}`, "", -1},
		{"POST", "Tickets", "", "{\n    \"companyID\": 0,\n    \"QueueID\": 5,\n    \"dueDateTime\": \"2030-03-21T00:00:00\",\n    \"priority\": 2,\n    \"status\": 5,\n    \"title\": \"Example n\",\n}", "", -1},
		{"POST", "Tickets/7865/Notes", "", "{\n\tTicketID: 7865,\n    \"Description\": \"Example n\",\n\t\"NoteType\": 1,\n\t\"Publish\": 1,\n\t\"Title\": \"Example n\"\n}", "", -1},
		{"POST", "Tickets/7865/Attachments", "", attachment, "", -1},
		{"GET", "AttachmentInfo/90", "", attachment, "", -1},
		{"GET", "AttachmentInfo/query", `{"filter":[{"op":"eq","field":"ParentID","value":175}]}`, attachment, "", 0},
		{"DELETE", "Tickets/7865/Attachments/91", "", attachment, "", -1},
		{"POST", "Tickets/7865/Attachments", "", strings.Replace(attachment, `ContactID": null`, `ContactID": 30682903`, 1), "", -1},
		{"POST", "Tickets/7865/Attachments", "", attachment, "29682885", -1},
		{"PUT", "ContactGroups", "", "{\n    \"id\": \"4\",\n    \"Name\": \"Example 3\",\n    \"IsActive\": \"True\"\n}", "", -1},
		{"PATCH", "ContactGroups", "", "{\n    \"id\": \"4\",\n    \"IsActive\": \"False\"\n}", "", -1},
		{"DELETE", "ContactGroups/5", "", "{\n    \"id\": \"4\",\n    \"IsActive\": \"False\"\n}", "", -1},
		{"POST", "CompanyWebhooks", "", `{"IsActive": true, "DeactivationUrl": "https://example.com", "IsSubscribedToUpdateEvents": true, "Name": "Example",
			"SecretKey": "example", "SendThresholdExceededNotification": false, "WebhookUrl": "https://example.com", "NotificationEmailAddress": "me@example.com"}`, "", -1},
		{"GET", "CompanyWebhookFields/entityInformation/fields", "", "", "", -1},
		{"POST", "CompanyWebhooks/4/Fields", "", "{\r\n    \"FieldID\": 7,                  \r\n    \"IsDisplayAlwaysField\": true,\r\n    \"IsSubscribedField\": true,\r\n    \"WebhookID\": 4\r\n}", "", -1},
		{"POST", "CompanyWebhooks/4/Fields", "", `{"FieldID": 24, "IsDisplayAlwaysField": true, "IsSubscribedField": true, "WebhookID": 4}`, "", -1},
		{"GET", "CompanyWebhookUdfFields/entityInformation/fields", "", "", "", -1},
		{"POST", "CompanyWebhooks/4/UdfFields", "", `{"UdfFieldID": 29682851, "IsDisplayAlwaysField": true, "IsSubscribedField": true, "WebhookID": 4}`, "", -1},
		{"POST", "CompanyWebhooks/4/ExcludedResources", "", `{"ResourceID": 29682885, "WebhookID": 4}`, "", -1},
	} {
		address := strings.Replace(x.BaseURL(), "V1.0", "v1.0", 1) + "/" + c.path
		if c.search != "" {
			address += "?" + search(c.search)
		}
		r := x.request(c.method, address, c.body)
		if c.as != "" {
			r.Header.Set("ImpersonationResourceId", c.as)
		}
		a, err := x.send(r)
		require.NoError(t, err)
		a.ok()
		if c.found >= 0 {
			assert.Len(t, a.items(), c.found, c.path+" "+c.search)
		}
	}
	assert.Equal(t, false, x.Get("ContactGroups", 4)["isActive"])
	assert.Len(t, x.Rows("TicketNotes"), 1)
}

// Faults and the thread limit go by the operation, however it is spelt.
func TestPathsInAnyCasing(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("Tickets", nil)
	for asked, op := range map[string]string{
		"tickets/%d":                                   "GET Tickets",
		"TICKETS/%d/NOTES":                             "GET Tickets/Notes",
		"tickets/entityinformation/FIELDS":             "GET Tickets/entityInformation/fields",
		"ticketwebhooks/1/fields":                      "GET TicketWebhooks/Fields",
		"companies/0/INVOICESETTINGS":                  "GET Companies/invoiceSettings",
		"thresholdinformation":                         "GET ThresholdInformation",
		"entityinformation":                            "GET EntityInformation",
		"Tickets/entityInformation":                    "GET Tickets/entityInformation",
		"contacts/entityInformation/userdefinedfields": "GET Contacts/entityInformation/userDefinedFields",
	} {
		x.Inject(autotasktest.Fault{Op: op, Status: http.StatusTeapot})
		asked = strings.Replace(asked, "%d", text(id), 1)
		assert.Equal(t, http.StatusTeapot, x.get(asked).status, asked)
		x.get(asked).ok()
		requests := x.Requests()
		assert.Equal(t, "/ATServicesRest/V1.0/"+asked, requests[len(requests)-1].Path, "as it was asked for")
	}
	assert.Positive(t, x.MaxInFlight("Tickets"))
	assert.Zero(t, x.MaxInFlight("tickets"))
	next, _ := x.post("tickets/query", `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`).ok().pageDetails()["nextPageUrl"].(string)
	x.post(next, `{"MaxRecords":1,"filter":[{"op":"exist","field":"id"}]}`).ok()
}

// What the JSON reader of .NET takes, and what it does not.
func TestLenientJSON(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	for body, title := range map[string]string{
		"\ufeff" + newTicket(`"title":"a"`):                                                    "a",
		`{companyID:0,title:'a "quoted" it\'s',status:"1",priority:2,}`:                        `a "quoted" it's`,
		"/* who */ {companyID:0, // the own\n title:\"a\nb\",status:1,priority:2} //":          "a\nb",
		`{companyID:0,$x:[1,2,],title:"\u00e9\\\"",status:1,priority:2,description:undefined}`: `é\"`,
		`{größe:{a:[{},[],],},companyID:0,title:"a",status:1,priority:2}`:                      "a",
	} {
		assert.Equal(t, title, x.Get("Tickets", x.post("Tickets", body).itemID())["title"], body)
	}
	for _, body := range []string{
		`{companyID:0,title:a,status:1,priority:2}`, `{companyID:0 title:"a"}`, `{,}`, `{companyID}`, `{companyID:0`, `{"a":"b`, `{"a":'b"}`,
		`{a:1}}`, `{a:[1 2]}`, `/* {a:1}`, `{a:01x}`, `{:1}`, `[]`, `{"a":1}{`, `{'a`, `{"\`, strings.Repeat(`{a:`, 20_000),
	} {
		x.post("Tickets", body).refused("not a JSON object")
	}
	assert.Equal(t, []int64{0}, x.query("Companies", `[{op:'eq',field:'id',value:'0',}]`))
	x.get("Companies/query?" + search(`{filter:[{op:'eq',field:'id',value:0}]}`)).ok()
}

// A flag that is an integer may be asked for by a boolean, and is written by a
// number alone.
func TestFlagsThatAreIntegers(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	active := x.Seed("Contacts", map[string]any{"isActive": 1})
	inactive := x.Seed("Contacts", map[string]any{"isActive": 0})
	assert.Equal(t, []int64{active}, x.query("Contacts", `[{"op":"eq","field":"isActive","value":true}]`))
	assert.Equal(t, []int64{inactive}, x.query("Contacts", `[{"op":"eq","field":"isActive","value":"False"}]`))
	x.do("PATCH", "Companies/0/Contacts", path(`{"id":%d,"isActive":true}`, active)).refused("parsing value: t")
	x.post("Tickets/query", `{"filter":[{"op":"eq","field":"status","value":true}]}`).refused("parsing value: t")
}
