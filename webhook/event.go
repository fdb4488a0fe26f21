package webhook

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
)

// Action is what happened.
type Action string

// The actions that are documented. One that is not among them is passed on as
// it is.
const (
	ActionCreate Action = "Create"
	ActionUpdate Action = "Update"
	ActionDelete Action = "Delete"
	// ActionDeactivated tells that Autotask has switched the webhook itself off,
	// after too many failed calls for instance. Nothing is told any more until it
	// is active again; Ensure makes it so.
	ActionDeactivated Action = "Deactivated"
)

// Event is one call of a webhook.
type Event struct {
	Action Action
	// GUID is the Guid of the call. It is taken to be that of the webhook, which
	// has one (WebhookGUID); that it tells calls apart is nowhere said.
	GUID string
	// Entity is what the event is about, by its name today: Company,
	// ConfigurationItem, Contact, Ticket, TicketNote. EntityType is the name that
	// was sent, which is one of the SOAP API: Account, InstalledProduct. An
	// unknown name is the same in both.
	Entity     string
	EntityType string
	// ID is that of the item. Company 0 is the tenant's own. It is 0 as well if
	// there was none, which only happens for actions other than Create, Update
	// and Delete.
	ID int64
	// Fields are the values that were sent: of the fields that the webhook is
	// subscribed to and shows. Where user-defined fields stand, and what is sent
	// of a deleted item, is not documented. It is empty if there were none, or if
	// they were no JSON object; Raw has them then.
	Fields Fields
	// EventTime is when it happened, in UTC; zero if it was not sent.
	EventTime time.Time
	// SequenceNumber rises from call to call, with gaps.
	SequenceNumber int64
	// PersonID is the resource or contact who did it; 0 if it was not sent.
	PersonID int64
	// Raw is the body as it was sent. ParseEvent reads it again, on the other
	// end of a queue for instance.
	Raw stdjson.RawMessage
}

// currentNames are the names of the entities that have webhooks, by those that
// calls may use for them, in lower case.
var currentNames = map[string]string{
	"account":           "Company",
	"company":           "Company",
	"installedproduct":  "ConfigurationItem",
	"configurationitem": "ConfigurationItem",
	"contact":           "Contact",
	"ticket":            "Ticket",
	"ticketnote":        "TicketNote",
}

// currentName returns an unknown name as it is.
func currentName(entityType string) string {
	if name, ok := currentNames[strings.ToLower(entityType)]; ok {
		return name
	}
	return entityType
}

// lenient: the documentation writes the names of calls in PascalCase, entities
// have theirs in camelCase. A text that was cut in the middle of a character
// must not hide the rest.
var lenient = json.JoinOptions(json.MatchCaseInsensitiveNames(true), jsontext.AllowInvalidUTF8(true))

// wireEvent is an Event as it is sent.
type wireEvent struct {
	Action         autotask.Optional[string]    `json:"Action"`
	GUID           autotask.Optional[string]    `json:"Guid"`
	EntityType     autotask.Optional[string]    `json:"EntityType"`
	ID             autotask.Optional[int64]     `json:"Id"`
	Fields         jsontext.Value               `json:"Fields"`
	EventTime      autotask.Optional[time.Time] `json:"EventTime"`
	SequenceNumber autotask.Optional[int64]     `json:"SequenceNumber"`
	PersonID       autotask.Optional[int64]     `json:"PersonID"`
}

// ParseEvent reads the body of a call, whose signature it knows nothing of. It
// is for bodies that a [Handler] has let through before: those that waited in a
// queue. Names are matched without case, times may lack a zone and are UTC then.
// What has no action, or tells of an item without naming the entity and the id,
// is ErrInvalid.
func ParseEvent(body []byte) (*Event, error) {
	var w wireEvent
	if err := json.Unmarshal(body, &w, lenient); err != nil {
		return nil, fmt.Errorf("%w: webhook: the body is no event: %w", autotask.ErrInvalid, err)
	}
	e := &Event{
		Action:         Action(w.Action.Or("")),
		GUID:           w.GUID.Or(""),
		Entity:         currentName(w.EntityType.Or("")),
		EntityType:     w.EntityType.Or(""),
		ID:             w.ID.Or(0),
		EventTime:      w.EventTime.Or(time.Time{}),
		SequenceNumber: w.SequenceNumber.Or(0),
		PersonID:       w.PersonID.Or(0),
		Raw:            bytes.Clone(body),
	}
	var problems []string
	if e.Action == "" {
		problems = append(problems, "the event has no Action")
	}
	if _, hasID := w.ID.Get(); e.isAboutItem() && (!hasID || e.EntityType == "") {
		problems = append(problems, "the event does not say which item it is about, by EntityType and Id")
	}
	if w.Fields.Kind() == '{' {
		if err := json.Unmarshal(w.Fields, &e.Fields, lenient); err != nil {
			problems = append(problems, err.Error())
		}
	}
	if err := invalid(problems); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Event) isAboutItem() bool {
	return e.Action == ActionCreate || e.Action == ActionUpdate || e.Action == ActionDelete
}

// Decode reads the event's fields into an entity, such as an autotask.Ticket or
// an entity.Company, or into any other struct with JSON names, which are matched
// without case. The item's id is among them. Fields that were not sent are left
// as they are: where an entity has a plain field, Fields.Get tells an absent one
// from zero.
func (e *Event) Decode(v any) error {
	all := Fields{"id": stdjson.RawMessage(strconv.FormatInt(e.ID, 10))}
	if _, ok := e.Fields.Get("id"); ok {
		clear(all)
	}
	maps.Copy(all, e.Fields)
	b, err := json.Marshal(all, lenient)
	if err == nil {
		err = json.Unmarshal(b, v, lenient)
	}
	if err != nil {
		return fmt.Errorf("webhook: the fields of the event do not fit a %T: %w", v, err)
	}
	return nil
}

// Fields are the values of an event as they were sent, by the names as they
// were sent.
type Fields map[string]stdjson.RawMessage

// Get returns a value, and whether there is one. Null is one. Names are compared
// without case; of several that differ in case only, the exact one is meant, or
// else the first in alphabetical order.
func (f Fields) Get(name string) (stdjson.RawMessage, bool) {
	if v, ok := f[name]; ok {
		return v, true
	}
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if strings.EqualFold(key, name) {
			return f[key], true
		}
	}
	return nil, false
}
