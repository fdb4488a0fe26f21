package autotasktest

import (
	"encoding/json"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// entityInformation says what can be done with an entity under any of its
// collections: ticket notes count as creatable, although only their ticket can
// create them (docs/api-notes.md, section 8).
func (s *Server) entityInformation(c *call) answer {
	return okWith("info", entityInfo(described(c.collection)))
}

// described returns the entity that a collection describes. One collection describes
// itself although it never has rows: TimeOffRequestsApprove.
func described(c *schema.Collection) *schema.Entity {
	if c.Entity == nil {
		return &schema.Entity{Name: strings.ReplaceAll(c.Path, "/", "")}
	}
	return c.Entity
}

func entityInfo(e *schema.Entity) json.RawMessage {
	var verbs schema.Verb
	for _, c := range e.Collections() {
		verbs |= c.Verbs
	}
	// What the numbers of the access levels mean is not known.
	const access = 0
	return object{
		{"name", encode(e.Name)},
		{"canCreate", encode(verbs.Has(schema.Create))},
		{"canDelete", encode(verbs.Has(schema.Delete))},
		{"canQuery", encode(verbs.Has(schema.Query))},
		{"canUpdate", encode(verbs&(schema.Put|schema.Patch) != 0)},
		{"userAccessForCreate", integer(access)},
		{"userAccessForDelete", integer(access)},
		{"userAccessForQuery", integer(access)},
		{"userAccessForUpdate", integer(access)},
		{"hasUserDefinedFields", encode(e.HasUDFs())},
		{"supportsWebhookCallouts", encode(webhookKindOf(e) != nil)},
	}.text()
}

func (s *Server) fieldInformation(c *call) answer {
	e := described(c.collection)
	var all []json.RawMessage
	for _, f := range e.Fields {
		if f.Kind != schema.UDFs {
			all = append(all, s.describe(e, f))
		}
	}
	return okWith("fields", textOfArray(all))
}

func (s *Server) describe(e *schema.Entity, f *schema.Field) json.RawMessage {
	return object{
		{"name", encode(f.Name)},
		{"dataType", encode(dataType(f))},
		{"length", integer(int64(f.MaxLength))},
		{"isRequired", encode(f.Required)},
		{"isReadOnly", encode(f.ReadOnly)},
		{"isQueryable", encode(isQueryable(e, f))},
		{"isReference", encode(f.References != "")},
		{"referenceEntityType", encode(f.References)},
		{"isPickList", encode(s.hasPicklist(f))},
		{"picklistValues", s.picklistJSON(f)},
		{"picklistParentValueField", encode(f.PicklistParent)},
		{"isSupportedWebhookField", encode(isWebhookField(e, f))},
	}.text()
}

func dataType(f *schema.Field) string {
	switch {
	case f.Kind == schema.Integer && f.Bits == 64:
		return "long"
	case f.Kind == schema.Number:
		return "decimal"
	case f.Kind == schema.Bytes:
		return "byte[]"
	case f.Kind == schema.Any:
		return "string"
	}
	return f.Kind.String()
}

// udfInformation lists the user-defined fields. An entity that cannot have any
// has no such route.
func (s *Server) udfInformation(c *call) answer {
	e := c.collection.Entity
	if e == nil || !e.HasUDFs() {
		return notFound()
	}
	var all []json.RawMessage
	for _, d := range s.definitions(e) {
		all = append(all, d.json())
	}
	return okWith("fields", textOfArray(all))
}
