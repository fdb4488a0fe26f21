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

// The documented actions. Calls may spell them in any case; an Event has them as
// spelt here. An unknown action is passed on unchanged.
const (
	ActionCreate Action = "Create"
	ActionUpdate Action = "Update"
	ActionDelete Action = "Delete"
	// ActionDeactivated reports that Autotask has switched the webhook itself off. No
	// more events arrive until it is reactivated; Ensure does that. Whether the call
	// is signed, and what it holds, is unverified.
	ActionDeactivated Action = "Deactivated"
)

// Event is one call of a webhook. A field that is not described as required is zero
// if it was not sent, cannot be read or was sent twice; Raw still has it.
type Event struct {
	Action Action
	// GUID is the Guid of the call. It is assumed to be the WebhookGUID of the
	// webhook. Autotask does not document whether it identifies a call.
	GUID string
	// Entity is the kind of item, by its name today: Company, ConfigurationItem,
	// Contact, Ticket, TicketNote. EntityType is the name that was sent, which is
	// from the SOAP API: Account, InstalledProduct. An unknown name is the same in
	// both.
	Entity     string
	EntityType string
	// ID is the id of the item. Company 0 is the tenant's own. It is also 0 if the
	// call had no id, which is accepted only for actions other than Create, Update
	// and Delete.
	ID int64
	// Fields are the values that were sent: those of the fields that the webhook
	// watches or includes. Where user-defined fields are, and what is sent of a
	// deleted item, is not documented. Fields is empty if there were none, if they
	// were not a JSON object, or if a name occurred twice.
	Fields Fields
	// Time is when the event happened, in UTC.
	Time time.Time
	// SequenceNumber increases from call to call, with gaps; see [Gaps].
	SequenceNumber int64
	// PersonID is the resource or contact who caused the event.
	PersonID int64
	// Raw is the body as it was sent. ParseEvent parses it again, at the other end of
	// a queue for instance.
	Raw stdjson.RawMessage
}

// currentNames maps the names that calls may use, in lower case, to the current names
// of the entities that have webhooks.
var currentNames = map[string]string{
	"account":           "Company",
	"company":           "Company",
	"installedproduct":  "ConfigurationItem",
	"configurationitem": "ConfigurationItem",
	"contact":           "Contact",
	"ticket":            "Ticket",
	"ticketnote":        "TicketNote",
}

// currentName returns the current name of an entity; an unknown name is returned
// unchanged.
func currentName(entityType string) string {
	if name, ok := currentNames[strings.ToLower(entityType)]; ok {
		return name
	}
	return entityType
}

// currentAction returns the constant of a known action, whatever its case.
func currentAction(sent string) Action {
	for _, a := range []Action{ActionCreate, ActionUpdate, ActionDelete, ActionDeactivated} {
		if strings.EqualFold(sent, string(a)) {
			return a
		}
	}
	return Action(sent)
}

// lenient matches names case-insensitively, since the documentation has the names of
// calls in PascalCase and those of entities in camelCase. It allows invalid UTF-8,
// since a string that was cut in the middle of a character must not hide the rest.
var lenient = json.JoinOptions(json.MatchCaseInsensitiveNames(true), jsontext.AllowInvalidUTF8(true))

// members are the members of a call, by name in lower case. A name that occurs twice,
// which json.Unmarshal into a struct refuses, loses the event only if it says what
// happened.
type members map[string][]jsontext.Value

// UnmarshalJSONFrom reads an object.
func (m *members) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errors.New("it is not a JSON object")
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

// required decodes a member. It adds a problem if the member occurs twice or cannot
// be read.
func required[T any](m members, name string, problems *[]string) autotask.Optional[T] {
	var v autotask.Optional[T]
	switch values := m[strings.ToLower(name)]; len(values) {
	case 0:
	case 1:
		if err := json.Unmarshal(values[0], &v, lenient); err != nil {
			*problems = append(*problems, fmt.Sprintf("the event has an unreadable %s: %v", name, err))
		}
	default:
		*problems = append(*problems, "the event has more than one "+name)
	}
	return v
}

// optional decodes a member. It returns zero if the member occurs twice or cannot be
// read.
func optional[T any](m members, name string) T {
	var problems []string
	v := required[T](m, name, &problems)
	if len(problems) > 0 {
		v = autotask.Optional[T]{}
	}
	var zero T
	return v.Or(zero)
}

// ParseEvent parses the body of a call. It does not check a signature: it is for
// bodies that a [Handler] has already accepted, such as those from a queue. Names are
// matched case-insensitively, and times without a zone are UTC.
//
// It returns ErrInvalid if there is no action, if an event about an item lacks the
// entity or the id, and if Action, EntityType or Id cannot be read or occurs twice.
// Any other defect leaves a zero value: see [Event].
func ParseEvent(body []byte) (*Event, error) {
	var m members
	if err := json.Unmarshal(body, &m, lenient, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, fmt.Errorf("%w: webhook: the body is not an event: %w", autotask.ErrInvalid, err)
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

// Decode decodes the event's fields into v: an entity, such as an autotask.Ticket or
// an entity.Company, or any other struct with JSON names. Names are matched
// case-insensitively; of several that differ only in case, the last in alphabetical
// order is used, which begins with a lower-case letter, as the entities' names do.
// The item's id is set, too. Fields that were not sent are left unchanged: where an
// entity has a plain field, Fields.Get tells an absent value from zero.
//
// A field whose value does not fit, such as a label where the entity has a picklist
// id, is also left unchanged. All other fields are decoded, and the error joins one
// error for each field that was not. Fields has their values.
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

// decodeInto sets all of the fields in v or, on error, none.
func decodeInto(v any, all Fields) error {
	b, err := json.Marshal(all, lenient, json.Deterministic(true))
	if err != nil {
		return err
	}
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return json.Unmarshal(b, v, lenient) // its error says what is wrong with v
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

// Fields holds the values of an event, by name, both exactly as sent.
type Fields map[string]stdjson.RawMessage

// Get returns a value, and whether there is one; null counts as one. Names are
// matched case-insensitively. Of several that differ only in case, the exact one is
// returned, or else the first in alphabetical order.
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
