package autotasktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/autotask-go/autotask/internal/schema"
)

// webhookKind is what belongs to the webhooks of one entity.
type webhookKind struct {
	entity   *schema.Entity // what they report on
	webhooks *schema.Entity
	fields   *schema.Entity // which native fields they report
	udfs     *schema.Entity // which user-defined ones; nil for an entity without
	excluded *schema.Entity // the resources whose changes they ignore
	legacy   string         // the name of the entity in calls, from the time of SOAP
}

// webhookEntities are the entities that have webhooks.
var webhookEntities = []string{"Company", "ConfigurationItem", "Contact", "Ticket", "TicketNote"}

var allWebhookKinds = sync.OnceValue(func() []*webhookKind {
	var all []*webhookKind
	for _, name := range webhookEntities {
		byName := entitiesByName()
		e := byName[name]
		h := &webhookKind{
			entity:   e,
			webhooks: byName[name+"Webhook"],
			fields:   byName[name+"WebhookField"],
			udfs:     byName[name+"WebhookUdfField"],
			excluded: byName[name+"WebhookExcludedResource"],
			legacy:   e.Name,
		}
		if e.Legacy != "" {
			h.legacy = e.Legacy
		}
		all = append(all, h)
	}
	return all
})

// webhookKindOf returns the webhooks of an entity, nil for none.
func webhookKindOf(e *schema.Entity) *webhookKind {
	return findWebhookKind(func(h *webhookKind) bool { return h.entity == e })
}

func findWebhookKind(is func(*webhookKind) bool) *webhookKind {
	if i := slices.IndexFunc(allWebhookKinds(), is); i >= 0 {
		return allWebhookKinds()[i]
	}
	return nil
}

func isWebhookField(e *schema.Entity, f *schema.Field) bool {
	return webhookKindOf(e) != nil && f.Kind != schema.UDFs
}

const (
	fieldID    = "fieldID"
	udfFieldID = "udfFieldID"
)

// picklistOfWebhook returns the field, among those of a webhook's fields, that says
// which field of the entity is meant; nil for all other entities. Only its picklist
// has the ids.
func picklistOfWebhook(e *schema.Entity) *schema.Field {
	switch {
	case findWebhookKind(func(h *webhookKind) bool { return h.fields == e }) != nil:
		return e.Field(fieldID)
	case findWebhookKind(func(h *webhookKind) bool { return h.udfs != nil && h.udfs == e }) != nil:
		return e.Field(udfFieldID)
	}
	return nil
}

// fieldPicklists adds the initial picklists: the native fields by name, numbered
// through all entities, so that no id fits another one.
func fieldPicklists(to map[*schema.Field][]PicklistValue) {
	id := 0
	for _, h := range allWebhookKinds() {
		var values []PicklistValue
		for _, f := range h.entity.Fields {
			if id++; f.Kind != schema.UDFs {
				values = append(values, PicklistValue{Value: strconv.Itoa(id), Label: f.Name, System: true})
			}
		}
		to[h.fields.Field(fieldID)] = values
		if h.udfs != nil {
			to[h.udfs.Field(udfFieldID)] = nil
		}
	}
}

// firstUDFID is the first id of user-defined fields.
const firstUDFID = 29680000

// offerUDFs adds the user-defined fields of an entity to the picklist of its
// webhooks.
func (s *Server) offerUDFs(e *schema.Entity) {
	h := webhookKindOf(e)
	if h == nil || h.udfs == nil {
		return
	}
	var values []PicklistValue
	for i, d := range s.udfs[e] {
		values = append(values, PicklistValue{Value: strconv.Itoa(firstUDFID + i), Label: d.Name})
	}
	s.setPicklist(h.udfs.Field(udfFieldID), values)
}

// stampWebhook sets what the server knows about a new webhook.
func stampWebhook(st stamper) {
	if findWebhookKind(func(h *webhookKind) bool { return h.webhooks == st.entity }) == nil {
		return
	}
	id, _ := toInt64(st.fields.get("id"))
	st.set(encode(fmt.Sprintf("00000000-0000-4000-8000-%012d", id)), "webhookGUID")
	st.set(encode(false), "isReady")
}

// settleReady makes a webhook ready as soon as it has a field. It does nothing if the
// row that was added or removed is not a webhook's field.
func (s *Server) settleReady(of *schema.Entity, field *row) {
	h := findWebhookKind(func(h *webhookKind) bool { return of == h.fields || h.udfs != nil && of == h.udfs })
	if h == nil || field == nil {
		return
	}
	t := s.table(h.webhooks)
	id, _ := toInt64(field.fields.get("webhookID"))
	old := t.rows[id]
	if old == nil {
		return
	}
	ready := encode(len(s.fieldsOfWebhook(h, id)) > 0)
	if string(old.fields.get("isReady")) == string(ready) {
		return
	}
	fields := slices.Clone(old.fields)
	fields.set("isReady", ready)
	t.put(&row{id: id, fields: fields})
}

// WebhookFieldID returns the id that a field of a collection's entity has among the
// fields of webhooks, native or user-defined: the value of fieldID or udfFieldID.
func (s *Server) WebhookFieldID(collection, field string) int64 {
	s.t.Helper()
	e := s.entity(collection)
	if e == nil {
		return 0
	}
	s.mu.Lock()
	value := s.webhookFieldID(webhookKindOf(e), field)
	s.mu.Unlock()
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		s.fail("WebhookFieldID: no webhook reports %q of %s", field, e.Name)
	}
	return id
}

func (s *Server) webhookFieldID(h *webhookKind, field string) string {
	if h == nil {
		return ""
	}
	for _, e := range []*schema.Entity{h.fields, h.udfs} {
		if e == nil {
			continue
		}
		for _, v := range s.picklists[picklistOfWebhook(e)] {
			if strings.EqualFold(v.Label, field) {
				return v.Value
			}
		}
	}
	return ""
}

// webhookField is a field that a webhook reports.
type webhookField struct {
	name          string
	udf           bool
	subscribed    bool // its changes trigger a call
	displayAlways bool // every call includes it
}

// fieldsOfWebhook returns the fields that a webhook reports.
func (s *Server) fieldsOfWebhook(h *webhookKind, webhook int64) []webhookField {
	var all []webhookField
	for _, e := range []*schema.Entity{h.fields, h.udfs} {
		if e == nil {
			continue
		}
		of := picklistOfWebhook(e)
		for _, r := range s.childrenOf(e, webhook) {
			id := textOf(r.fields.get(of.Name))
			for _, v := range s.picklists[of] {
				if v.Value == id {
					all = append(all, webhookField{
						name:          v.Label,
						udf:           e == h.udfs,
						subscribed:    isTrue(r.fields.get("isSubscribedField")),
						displayAlways: isTrue(r.fields.get("isDisplayAlwaysField")),
					})
				}
			}
		}
	}
	return all
}

// childrenOf returns the rows of an entity that belong to a webhook.
func (s *Server) childrenOf(e *schema.Entity, webhook int64) []*row {
	t := s.table(e)
	k := key{number: float64(webhook)}
	var rows []*row
	for _, id := range t.index(fieldColumn(e.Field("webhookID"))).ids[k] {
		rows = append(rows, t.rows[id])
	}
	return rows
}

// valueIn returns the field's value in a row; null if there is no row.
func (f webhookField) valueIn(r *row) json.RawMessage {
	switch {
	case r == nil:
		return null
	case f.udf:
		return udfOf(r, f.name)
	}
	return r.fields.get(f.name)
}

func isTrue(v json.RawMessage) bool { return strings.EqualFold(textOf(v), "true") }
