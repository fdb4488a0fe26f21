package autotask_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

func TestPicklists_EveryRootCollectionDescribesItself(t *testing.T) {
	t.Parallel()
	srv := autotasktest.NewInProcess(t)
	client := srv.Client()
	roots, withoutFields := 0, []string(nil)
	for _, c := range schema.All() {
		if c.Parent != "" {
			continue
		}
		roots++
		fields, err := client.Metadata.Fields(t.Context(), c.Path)
		if c.Entity == nil {
			require.NoError(t, err, c.Path)
			assert.Empty(t, fields, c.Path)
			withoutFields = append(withoutFields, c.Path)
			continue
		}
		require.NoError(t, err, c.Path)
		assert.NotEmpty(t, fields, c.Path)
		for _, f := range fields {
			values, err := client.Picklists.Values(t.Context(), c.Path, f.Name)
			if c.Entity.Field(f.Name).Picklist {
				assert.True(t, f.Picklist, "%s.%s", c.Path, f.Name)
			}
			if !f.Picklist {
				require.ErrorIs(t, err, autotask.ErrInvalid, "%s.%s", c.Path, f.Name)
				continue
			}
			require.NoError(t, err, "%s.%s", c.Path, f.Name)
			assert.Equal(t, f.Name, values.Field)
			if f.PicklistParentField != "" {
				_, err := client.Picklists.Values(t.Context(), c.Path, f.PicklistParentField)
				require.NoError(t, err, "%s.%s depends on a picklist", c.Path, f.Name)
			}
		}
		info, err := client.Metadata.Entity(t.Context(), c.Path)
		require.NoError(t, err, c.Path)
		assert.Equal(t, c.Entity.Name, info.Name)
		_, err = client.Metadata.UDFs(t.Context(), c.Path)
		require.NoError(t, err, c.Path)
	}
	assert.Equal(t, 232, roots)
	assert.Equal(t, []string{"TimeOffRequestsApprove"}, withoutFields, "an action, with no rows of its own")
	for _, r := range srv.Requests() {
		assert.Equal(t, http.MethodGet, r.Method)
	}
}

func TestMetadata_UDFs_RecordedShape(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/userDefinedFields", httpmock.NewBytesResponder(200, fixture(t, "udf_fields.json")))
	udfs, err := client.Metadata.UDFs(t.Context(), "Tickets")
	require.NoError(t, err)
	require.Len(t, udfs, 5)
	assert.Equal(t, autotask.UDFDefinition{
		Field: autotask.Field{Name: "Access Code Needed", DataType: "string", MaxLength: 8000, Queryable: true, Picklist: true, PicklistValues: []autotask.PicklistValue{
			{Value: "Yes", Label: "Yes", Active: true, SortOrder: 1},
			{Value: "No", Label: "No", Active: true, Default: true, SortOrder: 2},
		}},
		Label: "Access Code Needed", Default: autotask.Value("No"),
	}, udfs[0])
	assert.Equal(t, autotask.Field{Name: "Floor", DataType: "integer", Queryable: true, Picklist: true, PicklistValues: []autotask.PicklistValue{
		{Value: "1", ID: 1, Label: "Ground floor", Active: true},
		{Value: "2", ID: 2, Label: "First floor", Active: true, SortOrder: 1},
		{Value: "9", ID: 9, Label: "Roof", SortOrder: 2},
	}}, udfs[1].Field)
	assert.Equal(t, "Counted from the street", udfs[1].Description)
	for _, u := range udfs[1:] {
		assert.True(t, u.Default.IsNull(), `%s: null and "" are no default`, u.Name)
	}
	assert.Equal(t, []string{"double", "datetime"}, []string{udfs[2].DataType, udfs[3].DataType})
	assert.True(t, udfs[4].Required)

	// The list is the caller's own, and the next one comes from the cache.
	udfs[0].Name, udfs[0].PicklistValues[0].Label = "spoilt", "spoilt"
	again, err := client.As(7).Metadata.UDFs(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.Equal(t, "Access Code Needed", again[0].Name)
	assert.Equal(t, "Yes", again[0].PicklistValues[0].Label)
	assert.Equal(t, 1, mock.GetTotalCallCount())
}

func TestMetadata_UDFs_OddShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]autotask.UDFDefinition{
		`{"fields":[]}`: {},
		`{"fields":[{"name":"A","dataType":"string","isRequired":"true","length":"50","label":null,"isPickList":1,"picklistValues":[{"value":7,"label":"x","parentValue":""}],"defaultValue":7}]}`: {{
			Field: autotask.Field{Name: "A", DataType: "string", MaxLength: 50, Required: true, Picklist: true,
				PicklistValues: []autotask.PicklistValue{{Value: "7", ID: 7, Label: "x", Active: true}}},
			Default: autotask.Value("7"),
		}},
		`{"fields":[{"name":"A"}]}`: {{Field: autotask.Field{Name: "A"}, Default: autotask.Null[string]()}},
	} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/userDefinedFields", httpmock.NewStringResponder(200, body))
		got, err := client.Metadata.UDFs(t.Context(), "Tickets")
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
	}
	for _, body := range []string{`{}`, `{"fields":null}`, `[]`, ``, `<html></html>`} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation/userDefinedFields", httpmock.NewStringResponder(200, body))
		_, err := client.Metadata.UDFs(t.Context(), "Tickets")
		require.ErrorIs(t, err, autotask.ErrServer, "%q is not an entity without user-defined fields", body)
	}
}

func TestMetadata_UDFs_NoneIsNotNoSuchCollection(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	for range 2 {
		udfs, err := client.Metadata.UDFs(t.Context(), "TicketAttachments")
		require.NoError(t, err)
		assert.Empty(t, udfs)
	}
	assert.Equal(t, []string{"GET TicketAttachments/entityInformation/userDefinedFields", "GET TicketAttachments/entityInformation/fields"}, ops(srv),
		"the same 404 page, told apart by the fields; that there are none is kept, too")

	_, err := client.Metadata.UDFs(t.Context(), "Tickts")
	require.ErrorIs(t, err, autotask.ErrInvalid)

	// While the fields cannot be read, nothing is known, and nothing is kept.
	srv.Inject(autotasktest.Fault{Op: "GET ContractNotes/entityInformation/fields", Status: 500, Body: `{"errors":["no"]}`})
	_, err = client.Metadata.UDFs(t.Context(), "ContractNotes")
	require.Error(t, err)
	require.NotErrorIs(t, err, autotask.ErrNotFound)
	udfs, err := client.Metadata.UDFs(t.Context(), "ContractNotes")
	require.NoError(t, err)
	assert.Empty(t, udfs)

	// No other failure is "none".
	srv.Inject(autotasktest.Fault{Op: "GET Tickets/entityInformation/userDefinedFields", Status: 403})
	_, err = client.Metadata.UDFs(t.Context(), "Tickets")
	require.ErrorIs(t, err, autotask.ErrPermission)
}

func TestMetadata_Entity(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket, err := client.Metadata.Entity(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.Equal(t, &autotask.EntityInfo{
		Name: "Ticket", CanCreate: true, CanQuery: true, CanUpdate: true,
		HasUserDefinedFields: true, SupportsWebhookCallouts: true,
	}, ticket)
	// docs/api-notes.md, section 8: the flag is there, the route is not.
	note, err := client.Metadata.Entity(t.Context(), "TicketNotes")
	require.NoError(t, err)
	assert.True(t, note.CanCreate)

	ticket.Name = "spoilt"
	ticket, err = client.As(7).Metadata.Entity(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.Equal(t, "Ticket", ticket.Name)
	assert.Equal(t, []string{"GET Tickets/entityInformation", "GET TicketNotes/entityInformation"}, ops(srv))

	_, err = client.Metadata.Entity(t.Context(), "Tickts")
	require.ErrorIs(t, err, autotask.ErrInvalid)
	srv.ResetRequests()
	for _, entity := range []string{"", "Tickets/5", "../Tickets", "Tickets?x"} {
		_, err = client.Metadata.Entity(t.Context(), entity)
		require.ErrorIs(t, err, autotask.ErrInvalid, entity)
		_, err = client.Metadata.UDFs(t.Context(), entity)
		require.ErrorIs(t, err, autotask.ErrInvalid, entity)
		_, err = client.Picklists.IDs(t.Context(), entity, nil)
		require.ErrorIs(t, err, autotask.ErrInvalid, entity)
	}
	assert.Empty(t, srv.Requests())
}

func TestMetadata_Entity_AccessLevelsMayBeNumbersOrTexts(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation", httpmock.NewStringResponder(200,
		`{"info":{"name":"Ticket","canQuery":"True","userAccessForCreate":2,"userAccessForDelete":"3","userAccessForQuery":"All","userAccessForUpdate":null}}`))
	info, err := client.Metadata.Entity(t.Context(), "Tickets")
	require.NoError(t, err)
	assert.Equal(t, &autotask.EntityInfo{Name: "Ticket", CanQuery: true}, info)

	for _, body := range []string{`{}`, `{"info":null}`, `{"info":{}}`, `{"name":"Ticket","canQuery":true}`, ``} {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodGet, testBase+"/Tickets/entityInformation", httpmock.NewStringResponder(200, body))
		_, err := client.Metadata.Entity(t.Context(), "Tickets")
		require.ErrorIs(t, err, autotask.ErrServer, "%q is not an entity that can do nothing", body)
	}
}

func TestPicklists_MetadataIsReadAgainAfterAnHourAndNeverImpersonated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		metadata := srv.Client().As(autotasktest.TechnicianID).Metadata // the tenant refuses impersonation on reads
		read := func() int {
			srv.ResetRequests()
			_, err := metadata.Fields(t.Context(), "Tickets")
			require.NoError(t, err)
			_, err = metadata.UDFs(t.Context(), "Tickets")
			require.NoError(t, err)
			_, err = metadata.Entity(t.Context(), "Tickets")
			require.NoError(t, err)
			return len(srv.Requests())
		}
		assert.Equal(t, 3, read())
		<-time.After(time.Hour - time.Second) // of the bubble's clock
		assert.Equal(t, 0, read())
		<-time.After(2 * time.Second)
		assert.Equal(t, 3, read())
	})
}
