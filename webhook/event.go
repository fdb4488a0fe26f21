package webhook

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
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

// The actions that are documented; they are told in any case, and have this one
// in an Event. One that is not among them is passed on as it is.
const (
	ActionCreate Action = "Create"
	ActionUpdate Action = "Update"
	ActionDelete Action = "Delete"
	// ActionDeactivated reports that Autotask has switched the webhook itself off.
	// No more events arrive until it is reactivated; Ensure does that.
	// Whether the call is signed, and what it holds, is unverified.
	ActionDeactivated Action = "Deactivated"
)

// Event is one call of a webhook. What is not said to be required of it, and
// was not sent, cannot be read or was sent twice, is zero; Raw has it.
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
	// of a deleted item, is not documented. It is empty if there were none, if
	// they were no JSON object, or if one of a name was there twice.
	Fields Fields
	// Time is when it happened, in UTC.
	Time time.Time
	// SequenceNumber rises from call to call, with gaps; see [Gaps].
	SequenceNumber int64
	// PersonID is the resource or contact who did it.
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

// currentAction gives a known action the case of its constant.
func currentAction(sent string) Action {
	for _, a := range []Action{ActionCreate, ActionUpdate, ActionDelete, ActionDeactivated} {
		if strings.EqualFold(sent, string(a)) {
			return a
		}
	}
	return Action(sent)
}

// lenient: the documentation writes the names of calls in PascalCase, entities
// have theirs in camelCase. A text that was cut in the middle of a character
// must not hide the rest.
var lenient = json.JoinOptions(json.MatchCaseInsensitiveNames(true), jsontext.AllowInvalidUTF8(true))

// members are those of a call, by their names in lower case. A name that is there
// twice, which a json.Unmarshal into a struct refuses, is no reason to lose the
// event unless it is one of those that say what happened.
type members map[string][]jsontext.Value

// UnmarshalJSONFrom reads an object.
func (m *members) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errors.New("it is no JSON object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*m = members{}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := strings.ToLower(token.String())
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		(*m)[name] = append((*m)[name], value.Clone())
	}
	_, err := dec.ReadToken()
	return err
}

// required reads a member that is refused if it is there twice or unreadable.
func required[T any](m members, name string, problems *[]string) autotask.Optional[T] {
	var v autotask.Optional[T]
	switch values := m[strings.ToLower(name)]; len(values) {
	case 0:
	case 1:
		if err := json.Unmarshal(values[0], &v, lenient); err != nil {
			*problems = append(*problems, fmt.Sprintf("the event has an unreadable %s: %v", name, err))
		}
	default:
		*problems = append(*problems, "the event has several members "+name)
	}
	return v
}

// optional reads a member that is left zero if it is there twice or unreadable.
func optional[T any](m members, name string) T {
	var problems []string
	v := required[T](m, name, &problems)
	if len(problems) > 0 {
		v = autotask.Optional[T]{}
	}
	var zero T
	return v.Or(zero)
}

// ParseEvent reads the body of a call, whose signature it knows nothing of. It
// is for bodies that a [Handler] has let through before: those that waited in a
// queue. Names are matched without case, times may lack a zone and are UTC then.
// What has no action, or tells of an item without naming the entity and the id,
// is ErrInvalid, and so is an Action, EntityType or Id that cannot be read or is
// there twice. Nothing else of the event is worth losing it: see [Event].
func ParseEvent(body []byte) (*Event, error) {
	var m members
	if err := json.Unmarshal(body, &m, lenient, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, fmt.Errorf("%w: webhook: the body is no event: %w", autotask.ErrInvalid, err)
	}
	var problems []string
	action := required[string](m, "Action", &problems)
	entityType := required[string](m, "EntityType", &problems)
	id := required[int64](m, "Id", &problems)
	e := &Event{
		Action:         currentAction(action.Or("")),
		GUID:           optional[string](m, "Guid"),
		Entity:         currentName(entityType.Or("")),
		EntityType:     entityType.Or(""),
		ID:             id.Or(0),
		Time:           optional[time.Time](m, "EventTime"),
		SequenceNumber: optional[int64](m, "SequenceNumber"),
		PersonID:       optional[int64](m, "PersonID"),
		Raw:            bytes.Clone(body),
	}
	if fields := m["fields"]; len(fields) == 1 && fields[0].Kind() == '{' {
		if err := json.Unmarshal(fields[0], &e.Fields, lenient); err != nil {
			e.Fields = nil
		}
	}
	_, hasID := id.Get()
	switch {
	case len(problems) > 0:
	case e.Action == "":
		problems = append(problems, "the event has no Action")
	case e.isAboutItem() && (!hasID || e.EntityType == ""):
		problems = append(problems, "the event does not say which item it is about, by EntityType and Id")
	}
	if err := invalid(problems); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Event) isAboutItem() bool {
	return e.Action == ActionCreate || e.Action == ActionUpdate || e.Action == ActionDelete
}

// Decode reads the event's fields into v: an entity, such as an autotask.Ticket or
// an entity.Company, or any other struct with JSON names, which are matched
// case-insensitively; of several that differ in case only, the last in
// alphabetical order is used, which begins with a small letter as the entities'
// names do. The item's id is among them. Fields that were not sent are left as
// they are: where an entity has a plain field, Fields.Get tells an absent one
// from zero.
//
// A field whose value does not fit, such as a label where the entity has the id
// of a picklist, is left as it is, too, and costs only itself: all others are
// read, and the error joins one for each that was not. Fields has their values.
func (e *Event) Decode(v any) error {
	all := Fields{"id": stdjson.RawMessage(strconv.FormatInt(e.ID, 10))}
	if _, ok := e.Fields.Get("id"); ok {
		clear(all)
	}
	maps.Copy(all, e.Fields)
	err := decodeInto(v, all)
	target := reflect.ValueOf(v)
	if err == nil || len(all) == 1 || target.Kind() != reflect.Pointer || target.IsNil() {
		return misfit(v, err)
	}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := decodeInto(v, Fields{name: all[name]}); err != nil {
			failures = append(failures, err)
		}
	}
	return misfit(v, errors.Join(failures...))
}

// decodeInto sets all of the fields in v or, with an error, none.
func decodeInto(v any, all Fields) error {
	b, err := json.Marshal(all, lenient, json.Deterministic(true))
	if err != nil {
		return err
	}
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return json.Unmarshal(b, v, lenient) // which says what is wrong with v
	}
	trial := copyOf(target.Elem())
	if err := json.Unmarshal(b, trial.Interface(), lenient, jsontext.AllowDuplicateNames(true)); err != nil {
		return err
	}
	target.Elem().Set(trial.Elem())
	return nil
}

// copyOf returns a pointer to a copy that can be decoded into without touching v.
func copyOf(v reflect.Value) reflect.Value {
	trial := reflect.New(v.Type())
	trial.Elem().Set(v)
	if v.Kind() == reflect.Map && !v.IsNil() {
		trial.Elem().Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for key, value := range v.Seq2() {
			trial.Elem().SetMapIndex(key, value)
		}
	}
	return trial
}

func misfit(v any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("webhook: the fields of the event do not fit a %T: %w", v, err)
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
