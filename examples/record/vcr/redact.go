package vcr

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/schema"
)

// Redactor replaces what may be personal or secret. It keeps what it knows to be
// harmless and replaces everything else, so that a field it has never heard of is
// replaced, too. Harmless are: numbers, booleans and null; dates and times as Autotask
// writes them; ticket numbers; names of fields; the words of a query. The names and
// values of user-defined fields are replaced whatever they look like.
//
// Equal values have the same stand-in everywhere: in bodies, in URLs and in filters.
// Whatever asks for a value by its stand-in gets the rows that hold it.
type Redactor struct {
	mu      sync.Mutex
	numbers map[string]int    // of each text that was replaced
	origins map[string]string // the hosts that stand in for servers
	udfs    map[string]bool   // names of user-defined fields
}

// NewRedactor returns a Redactor that has seen nothing yet.
func NewRedactor() *Redactor {
	return &Redactor{numbers: map[string]int{}, origins: map[string]string{}, udfs: map[string]bool{}}
}

// StandIn returns what a text is replaced by, such as "text-12" or
// "person-3@example.com". The empty text stays as it is.
func (r *Redactor) StandIn(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.standIn(text)
}

// Replaced returns the number of different values replaced so far.
func (r *Redactor) Replaced() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.numbers)
}

var (
	identifier   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,63}$`)
	integer      = regexp.MustCompile(`^-?[0-9]{1,19}$`)
	version      = regexp.MustCompile(`^[Vv]?[0-9]{1,3}(\.[0-9]{1,3})?$`)
	dateTime     = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
	ticketNumber = regexp.MustCompile(`^T[0-9]{8}\.[0-9]{4,6}(\.[0-9]{3,4})?$`)
	mail         = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	phone        = regexp.MustCompile(`^[+(]?[0-9][0-9 ()/.+-]{4,30}$`)
)

// operators of a filter: a closed set.
var operators = []string{
	"eq", "noteq", "gt", "gte", "lt", "lte", "beginsWith", "endsWith", "contains",
	"exist", "notExist", "in", "notIn", "and", "or",
}

func (r *Redactor) standIn(text string) string {
	switch {
	case text == "":
		return ""
	case mail.MatchString(text):
		return fmt.Sprintf("person-%d@example.com", r.number(text))
	case phone.MatchString(text):
		return fmt.Sprintf("+00 000 %06d", r.number(text))
	}
	return fmt.Sprintf("text-%d", r.number(text))
}

// number counts the texts in the order in which they are first seen.
func (r *Redactor) number(text string) int {
	n, ok := r.numbers[text]
	if !ok {
		n = len(r.numbers) + 1
		r.numbers[text] = n
	}
	return n
}

// place is where in a message a value stands.
type place struct {
	route   string // what of the request's path decides how its answer is read, see routeOf
	key     string // the name of the member that holds the value, in lower case
	udf     bool   // the value belongs to a user-defined field
	query   bool   // the value belongs to a query, and not to a row
	refusal bool   // the value belongs to the answer to a request that failed
}

// The routes whose members have meanings of their own.
const (
	routeInfo   = "entityInformation"
	routeFields = "entityInformation/fields"
	routeUDFs   = "entityInformation/userDefinedFields"
	routeZone   = "zoneInformation"
)

func isQuery(path string) bool { return strings.Contains(strings.ToLower(path), "/query") }

func routeOf(path string) string {
	for _, route := range []string{routeInfo, routeFields, routeUDFs, routeZone} {
		if strings.HasSuffix(strings.ToLower(path), strings.ToLower("/"+route)) {
			return route
		}
	}
	return ""
}

// Request redacts the body of a request to an address. What is not JSON becomes a short
// text that says so, here and in Answer.
func (r *Redactor) Request(u *url.URL, body []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body(body, place{route: routeOf(u.Path), query: isQuery(u.Path)})
}

// Answer redacts the body of the answer to a request to an address.
func (r *Redactor) Answer(u *url.URL, status int, body []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body(body, place{route: routeOf(u.Path), refusal: status >= http.StatusBadRequest})
}

func (r *Redactor) body(body []byte, at place) []byte {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil
	}
	if v, err := r.value(trimmed, at); err == nil {
		return v
	}
	if trimmed[0] == '<' {
		return []byte("<html><head><title>redacted</title></head></html>")
	}
	return []byte("redacted: this was no JSON")
}

// errTrailing: a body is one value.
var errTrailing = errors.New("something follows the value")

// tolerant reads what a server may send.
var tolerant = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// value redacts a JSON value. Numbers keep their digits, objects the order of their
// members.
func (r *Redactor) value(v jsontext.Value, at place) (jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(v), tolerant...)
	var out jsontext.Value
	var err error
	switch d.PeekKind() {
	case '{':
		out, err = r.object(d, at)
	case '[':
		out, err = r.array(d, at)
	case '"':
		var t jsontext.Token
		if t, err = d.ReadToken(); err == nil {
			out, err = quote(r.text(t.String(), at))
		}
	default:
		if out, err = d.ReadValue(); err == nil {
			out = r.scalar(out.Clone(), at)
		}
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return out, nil
}

// scalar keeps a number, a boolean or null; of a user-defined field, a number may be
// anything, such as the code of an alarm.
func (r *Redactor) scalar(v jsontext.Value, at place) jsontext.Value {
	if at.udf && v.Kind() == '0' {
		return jsontext.Value(strconv.Itoa(r.number(string(v))))
	}
	return v
}

func (r *Redactor) array(d *jsontext.Decoder, at place) (jsontext.Value, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	out := []byte{'['}
	for d.PeekKind() != ']' {
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		v, err := r.value(raw.Clone(), at)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, v...)
	}
	_, err := d.ReadToken()
	return append(out, ']'), err
}

type member struct {
	name  string
	value jsontext.Value
}

func readMembers(d *jsontext.Decoder) ([]member, error) {
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	var all []member
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		m := member{name: name.String()}
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m.value = raw.Clone()
		all = append(all, m)
	}
	_, err := d.ReadToken()
	return all, err
}

func (r *Redactor) object(d *jsontext.Decoder, at place) (jsontext.Value, error) {
	members, err := readMembers(d)
	if err != nil {
		return nil, err
	}
	// {"field":"…","udf":true}: a condition on a user-defined field.
	condition := slices.ContainsFunc(members, func(m member) bool {
		return strings.EqualFold(m.name, "udf") && m.value.Kind() == 't'
	})
	out := []byte{'{'}
	for i, m := range members {
		below := at
		below.key = strings.ToLower(m.name)
		below.udf = at.udf || condition || below.key == "userdefinedfields"
		if below.udf && (below.key == "name" || below.key == "field") && m.value.Kind() == '"' {
			r.udfs[unquoted(m.value)] = true
		}
		name := m.name
		if !identifier.MatchString(name) || at.udf && below.key != "name" && below.key != "value" {
			name = r.standIn(name)
		}
		v, err := r.value(m.value, below)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		quoted, err := quote(name)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, quoted...), ':'), v...)
	}
	return append(out, '}'), nil
}

// text redacts a string.
func (r *Redactor) text(s string, at place) string {
	switch {
	case at.udf && at.key == "op" && slices.Contains(operators, s):
		return s
	case at.udf:
		return r.standIn(s)
	case at.key == "nextpageurl" || at.key == "prevpageurl" || at.route == routeZone && at.key == "url":
		return r.address(s)
	case at.route == routeZone && at.key == "weburl":
		return r.server(s)
	case at.refusal:
		return plainWords(s)
	case at.key == "data":
		return r.file(s)
	case r.harmless(s, at), dateTime.MatchString(s), ticketNumber.MatchString(s):
		return s
	}
	return r.standIn(s)
}

// fieldNames are the names of all fields of the API, in lower case. What else a query
// may name is a user-defined field.
var fieldNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, c := range schema.All() {
		if c.Entity == nil {
			continue
		}
		for _, f := range c.Entity.Fields {
			names[strings.ToLower(f.Name)] = true
		}
	}
	return names
})

// harmless reports whether the text belongs to the protocol.
func (r *Redactor) harmless(s string, at place) bool {
	switch at.route {
	case routeUDFs:
		switch at.key {
		case "name":
			r.udfs[s] = true
		case "type", "datatype":
			return identifier.MatchString(s)
		case "value", "parentvalue":
			return integer.MatchString(s)
		}
		return false
	case routeFields:
		switch at.key {
		case "name", "datatype", "referenceentitytype", "picklistparentvaluefield":
			return identifier.MatchString(s)
		case "value", "parentvalue":
			return integer.MatchString(s)
		}
		return false
	case routeInfo:
		return (at.key == "name" || strings.HasPrefix(at.key, "useraccessfor")) && identifier.MatchString(s)
	}
	switch {
	case !at.query:
		return at.key == "apiversions" && version.MatchString(s)
	case at.key == "op":
		return slices.Contains(operators, s)
	case at.key == "field" || at.key == "includefields":
		return fieldNames()[strings.ToLower(s)] && !r.udfs[s]
	}
	return false
}

// file replaces the content of a file by as many other bytes.
func (r *Redactor) file(s string) string {
	content, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return r.standIn(s)
	}
	other := bytes.Repeat([]byte(r.standIn(s)+"\n"), len(content)/len(r.standIn(s))+1)
	return base64.StdEncoding.EncodeToString(other[:len(content)])
}

// URL redacts an address of the API: its host, the parts of its path that are neither
// words nor numbers, and the values of its parameters. Of any other address nothing
// stays.
func (r *Redactor) URL(address string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.address(address)
}

func (r *Redactor) address(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !strings.HasPrefix(strings.ToLower(u.Path), "/atservicesrest/") {
		return r.standIn(s)
	}
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	for i, segment := range segments {
		if segment != "" && !identifier.MatchString(segment) && !integer.MatchString(segment) && !version.MatchString(segment) {
			segments[i] = r.standIn(segment)
		}
	}
	clean := url.URL{Scheme: "https", Host: r.origin(u), Path: "/" + strings.Join(segments, "/")}
	parameters := url.Values{}
	for name, values := range u.Query() {
		if !identifier.MatchString(name) {
			name = r.standIn(name)
		}
		for _, v := range values {
			parameters.Add(name, r.parameter(v))
		}
	}
	clean.RawQuery = parameters.Encode()
	return clean.String()
}

// server redacts the address of a server: only a stand-in for its host stays.
func (r *Redactor) server(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return r.standIn(s)
	}
	return "https://" + r.origin(u) + "/"
}

// parameter redacts the value of a URL's parameter, which may be JSON.
func (r *Redactor) parameter(s string) string {
	switch {
	case integer.MatchString(s), s == "true", s == "false":
		return s
	case strings.HasPrefix(s, "{"), strings.HasPrefix(s, "["):
		if v, err := r.value(jsontext.Value(s), place{query: true}); err == nil {
			return string(v)
		}
	}
	return r.standIn(s)
}

// origin returns the host that stands in for a server.
func (r *Redactor) origin(u *url.URL) string {
	from := u.Scheme + "://" + strings.ToLower(u.Host)
	host, ok := r.origins[from]
	if !ok {
		host = fmt.Sprintf("server-%d.autotask.example", len(r.origins)+1)
		r.origins[from] = host
	}
	return host
}

// home returns the host that stands in for the server of a request. The first server
// that was asked for more than its zone is Host.
func (r *Redactor) home(u *url.URL) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if routeOf(u.Path) != routeZone && !slices.Contains(slices.Collect(maps.Values(r.origins)), Host) {
		r.origins[u.Scheme+"://"+strings.ToLower(u.Host)] = Host
	}
	return r.origin(u)
}

func quote(s string) (jsontext.Value, error) {
	return jsontext.AppendQuote(nil, strings.ToValidUTF8(s, "\uFFFD"))
}

func unquoted(v jsontext.Value) string {
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return string(v)
	}
	return string(b)
}
