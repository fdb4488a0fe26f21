package autotasktest

import (
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// unqueryable are the fields that a filter cannot name; attachments have more.
var unqueryable = []string{"Ticket.creatorType", "Ticket.lastActivityPersonType", "AttachmentInfo.fileSize"}

func isQueryable(e *schema.Entity, f *schema.Field) bool {
	if isAttachment(e) && (f.Name == "creatorType" || f.Name == "data" || f.Name == "fileSize") {
		return false
	}
	return !slices.Contains(unqueryable, e.Name+"."+f.Name)
}

// checkConditions checks the filters of entities that restrict them: the history of a
// ticket is found only by its ticket; attachments need their parent among the
// conditions.
func checkConditions(e *schema.Entity, conditions []condition) error {
	switch {
	case e.Name == "TicketHistory":
		if len(conditions) != 1 || conditions[0].op != "eq" || !strings.EqualFold(conditions[0].field, "ticketID") {
			return complain("TicketHistory can only be queried by a single condition: ticketID equal to one id.")
		}
	case isAttachment(e) && len(conditions) > 0 && !slices.ContainsFunc(conditions, func(c condition) bool { return namesParent(e, c) }):
		return complain("The filter of %s must contain the id of a parent object.", e.Name)
	}
	return nil
}

// namesParent reports whether a condition names the parent of an attachment, possibly
// inside an "and".
func namesParent(e *schema.Entity, c condition) bool {
	if c.op == "and" {
		inner, err := parseConditions(c.items)
		return err == nil && slices.ContainsFunc(inner, func(c condition) bool { return namesParent(e, c) })
	}
	f := e.Field(c.field)
	return (c.op == "eq" || c.op == "in") && !c.udf && f != nil && slices.Contains(parentFields(e), f.Name)
}

// parentFields returns the fields that hold the id of an attachment's parent.
func parentFields(e *schema.Entity) []string {
	fields := []string{"parentID"}
	for _, f := range e.Fields {
		if f.References != "" {
			fields = append(fields, f.Name)
		}
	}
	return fields
}
