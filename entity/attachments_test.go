package entity_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
)

// attachments are the entities that Upload and Download take.
var attachments = map[reflect.Type]func(*walker){
	reflect.TypeFor[entity.ArticleAttachment]():               roundTrip[entity.ArticleAttachment],
	reflect.TypeFor[entity.CompanyAttachment]():               roundTrip[entity.CompanyAttachment],
	reflect.TypeFor[entity.CompanyNoteAttachment]():           roundTrip[entity.CompanyNoteAttachment],
	reflect.TypeFor[entity.ConfigurationItemAttachment]():     roundTrip[entity.ConfigurationItemAttachment],
	reflect.TypeFor[entity.ConfigurationItemNoteAttachment](): roundTrip[entity.ConfigurationItemNoteAttachment],
	reflect.TypeFor[entity.ContractNoteAttachment]():          roundTrip[entity.ContractNoteAttachment],
	reflect.TypeFor[entity.DocumentAttachment]():              roundTrip[entity.DocumentAttachment],
	reflect.TypeFor[entity.ExpenseItemAttachment]():           roundTrip[entity.ExpenseItemAttachment],
	reflect.TypeFor[entity.ExpenseReportAttachment]():         roundTrip[entity.ExpenseReportAttachment],
	reflect.TypeFor[entity.OpportunityAttachment]():           roundTrip[entity.OpportunityAttachment],
	reflect.TypeFor[entity.ProjectAttachment]():               roundTrip[entity.ProjectAttachment],
	reflect.TypeFor[entity.ProjectNoteAttachment]():           roundTrip[entity.ProjectNoteAttachment],
	reflect.TypeFor[entity.ResourceAttachment]():              roundTrip[entity.ResourceAttachment],
	reflect.TypeFor[entity.SalesOrderAttachment]():            roundTrip[entity.SalesOrderAttachment],
	reflect.TypeFor[entity.TaskAttachment]():                  roundTrip[entity.TaskAttachment],
	reflect.TypeFor[entity.TaskNoteAttachment]():              roundTrip[entity.TaskNoteAttachment],
	reflect.TypeFor[entity.TicketAttachment]():                roundTrip[entity.TicketAttachment],
	reflect.TypeFor[entity.TicketNoteAttachment]():            roundTrip[entity.TicketNoteAttachment],
	reflect.TypeFor[entity.TimeEntryAttachment]():             roundTrip[entity.TimeEntryAttachment],
}

// TestAttachments uploads a file to every attachment entity and reads it back.
// The others, without a file, are not taken for attachments.
func TestAttachments(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, entry := range walk {
		data, _ := entry.model.FieldByName("Data")
		hasFile := data.Type == reflect.TypeFor[autotask.Optional[[]byte]]()
		assert.Equal(t, hasFile, entry.model.Implements(reflect.TypeFor[autotask.Attachable]()), entry.name)
		if upload, known := attachments[entry.model]; known {
			seen++
			upload(newWalker(t, entityCalled(t, entry.name)))
		} else {
			assert.False(t, hasFile, entry.name)
		}
	}
	assert.Equal(t, len(attachments), seen)
}

func roundTrip[T autotask.Attachable](w *walker) {
	v := new(T)
	w.item(v)
	reflect.ValueOf(v).Elem().FieldByName("Data").SetZero()
	id, err := autotask.Upload(w.ctx, w.client, v, strings.NewReader("another file"))
	require.NoError(w.t, err, w.entity.Name)
	var got strings.Builder
	back, err := autotask.Download[T](w.ctx, w.client, id, &got)
	require.NoError(w.t, err, w.entity.Name)
	assert.Equal(w.t, id, idOf(back))
	assert.Equal(w.t, "another file", got.String(), w.entity.Name)
}
