// Package quick decodes what Autotask sends day by day faster than a decoder for
// everything can. At the first surprise it gives up, and the caller reads the
// same bytes with json/v2 from their beginning. So it has no errors of its own;
// it may not accept what json/v2 refuses, nor read it differently.
package quick

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/scan"
)

// Codec says what the fields of items take and how they take it. A program has
// one, which is the same for all types of items.
type Codec struct {
	// Kind is what a field of a type takes.
	Kind func(field reflect.Type) Kind
	// Set puts a value of the field's kind, or null, into the field that a pointer
	// leads to.
	Set func(field any, v *Value)
	// Decode reads whatever else a field may hold, as json/v2 does.
	Decode func(b []byte, into any) error
}

// Kind is what a field takes. A List is a slice of structs. All but Other, List
// and the plain ones take null the quick way.
type Kind uint8

// The kinds of fields.
const (
	Other Kind = iota // read by Decode alone
	Int
	Number
	Flag
	Text
	Time
	PlainInt
	PlainText
	List
)

// Value is a value of one kind, or null.
type Value struct {
	Null, Flag bool

	Int    int64
	Number float64
	Text   string
	Time   time.Time
}

// Item reads {"item":{…}} into a new item, and returns where the object stands.
// If it gives up, the item is not to be used.
func (c *Codec) Item(b []byte, item any) (start, end int, ok bool) {
	v := reflect.ValueOf(item).Elem()
	d := c.decoder(b, v.Type())
	if d == nil || !d.is('{') || !d.name(`"item"`) {
		return 0, 0, false
	}
	start = scan.Space(b, d.i)
	ok = d.item(v)
	end = d.i
	return start, end, ok && d.is('}') && scan.Space(b, d.i) == len(b)
}

// Page reads {"items":[{…},…],"pageDetails":…}: pointers to new items of a type,
// and what stands as the details.
func (c *Codec) Page(b []byte, typ reflect.Type) (items []any, details []byte, ok bool) {
	d := c.decoder(b, typ)
	if d == nil || !d.is('{') || !d.name(`"items"`) || !d.is('[') {
		return nil, nil, false
	}
	items = []any{}
	for ended := d.is(']'); !ended; {
		item := reflect.New(typ)
		if !d.item(item.Elem()) {
			return nil, nil, false
		}
		if len(items) == 0 { // the others will be about as long
			items = make([]any, 0, min(1+len(b)/d.i*9/8, mostItems))
		}
		items = append(items, item.Interface())
		if ended = d.is(']'); !ended && !d.is(',') {
			return nil, nil, false
		}
	}
	if !d.is(',') || !d.name(`"pageDetails"`) {
		return nil, nil, false
	}
	start := scan.Space(b, d.i)
	if d.i = scan.Skip(b, start); d.i < 0 {
		return nil, nil, false
	}
	details = b[start:d.i]
	return items, details, d.is('}') && scan.Space(b, d.i) == len(b)
}

// mostItems is how many items a page of Autotask's holds.
const mostItems = 500

// decoder reads the items of one answer.
type decoder struct {
	*Codec
	b       []byte
	i       int
	table   *table
	order   order // of the fields of items
	inList  order // of those of the structs in lists
	texts   strings.Builder
	room    int // for the texts of an item, by the last one
	list    int // the length of a list, by the last one
	scratch []byte
	value   Value
}

// order is the order in which the fields of a type come: by the number of a
// field, counted from 1, that of the one behind it.
type order [mostFields + 1]uint8

func (c *Codec) decoder(b []byte, typ reflect.Type) *decoder {
	t := tableOf(typ, c)
	if t == nil {
		return nil
	}
	return &decoder{Codec: c, b: b, table: t, order: inTurn, inList: inTurn, room: firstRoom}
}

// inTurn is the order in which a type has its fields.
var inTurn = func() (o order) {
	for i := range o {
		o[i] = uint8(i)
	}
	return o
}()

// The texts of an item share memory, up to a length: who keeps a short text of an
// item keeps them all, but never a long one.
const (
	longText  = 256
	firstRoom = 512
	moreRoom  = 256
)

func (d *decoder) item(item reflect.Value) bool {
	d.texts = strings.Builder{}
	d.texts.Grow(d.room)
	ok := d.object(item, d.table, &d.order)
	d.room = d.texts.Len() + d.texts.Len()/8
	return ok
}

// next is the next byte that is no white space, 0 at the end.
func (d *decoder) next() byte {
	if d.i < len(d.b) && d.b[d.i] > ' ' {
		return d.b[d.i]
	}
	if d.i = scan.Space(d.b, d.i); d.i < len(d.b) {
		return d.b[d.i]
	}
	return 0
}

func (d *decoder) is(c byte) bool {
	if d.next() != c {
		return false
	}
	d.i++
	return true
}

// word takes what stands at this very place.
func (d *decoder) word(s string) bool {
	end := scan.Word(d.b, d.i, s)
	if end < 0 {
		return false
	}
	d.i = end
	return true
}

// name takes a quoted name and its colon.
func (d *decoder) name(quoted string) bool { return d.next() == '"' && d.word(quoted) && d.is(':') }

// mostUnknown bounds the members that no field is for: each is compared with those
// before it. An object with more of them is left to json/v2.
const mostUnknown = 64

// object reads a new struct.
func (d *decoder) object(into reflect.Value, t *table, o *order) bool {
	if !d.is('{') {
		return false
	}
	seen, unknown := [mostFields + 1]bool{}, []string(nil)
	for last, ended := 0, d.is('}'); !ended; {
		f, other, ok := d.field(t, o, last)
		switch {
		case !ok:
			return false
		case other != "":
			if len(unknown) == mostUnknown || slices.Contains(unknown, other) || !d.skip() {
				return false
			}
			unknown = append(unknown, other)
		case seen[f] || !d.read(into.Field(t.fields[f].index), &t.fields[f]):
			return false
		default:
			seen[f], last = true, f+1
		}
		c := d.next()
		d.i++
		if ended = c == '}'; !ended && (c != ',' || d.next() != '"') { // a name must follow
			return false
		}
	}
	return true
}

// field takes the name of a member: the number of the field, or a name that the
// type does not have, with its quotes.
func (d *decoder) field(t *table, o *order, last int) (i int, unknown string, ok bool) {
	if f := int(o[last]); f < len(t.fields) && d.word(t.fields[f].prefix) {
		return f, "", true
	}
	if d.next() != '"' {
		return 0, "", false
	}
	end, verbatim := scan.Text(d.b, d.i)
	if !verbatim {
		return 0, "", false
	}
	name := d.b[d.i:end]
	if d.i = end; !d.is(':') {
		return 0, "", false
	}
	f, known := t.byName[string(name[1:len(name)-1])]
	if !known {
		return 0, string(name), true
	}
	o[last] = uint8(f) //nolint:gosec // at most mostFields
	return f, "", true
}

// skip passes over the value of a member that the type has no field for.
func (d *decoder) skip() bool {
	start := scan.Space(d.b, d.i)
	if d.i = scan.Skip(d.b, start); d.i < 0 {
		return false
	}
	c := d.b[start]
	return c != '{' && c != '[' || scan.IsValid(d.b[start:d.i], false)
}

// read reads the value of a field: the quick way, if it is written as Autotask
// mostly writes what the field takes.
func (d *decoder) read(into reflect.Value, f *field) bool {
	d.next()
	start, p := d.i, into.Addr().Interface()
	switch {
	case d.i == len(d.b):
		return false
	case f.kind == List && d.b[d.i] == '[':
		return d.structs(into, f.list)
	case d.plain(f.kind, d.b[d.i]):
		d.Set(p, &d.value)
		return true
	}
	if d.i = scan.Skip(d.b, start); d.i < 0 {
		return false
	}
	return d.Decode(d.b[start:d.i], p) == nil
}

func (d *decoder) structs(into reflect.Value, t *table) bool {
	d.i++
	into.Set(reflect.MakeSlice(into.Type(), 0, d.list))
	for ended := d.is(']'); !ended; {
		n := into.Len()
		into.Grow(1)
		into.SetLen(n + 1)
		if !d.object(into.Index(n), t, &d.inList) {
			return false
		}
		if ended = d.is(']'); !ended && !d.is(',') {
			return false
		}
	}
	d.list = into.Len()
	return true
}

func (d *decoder) plain(kind Kind, c byte) bool {
	if d.value.Null = c == 'n'; d.value.Null {
		return kind > Other && kind < PlainInt && d.word("null")
	}
	switch kind {
	case Int, PlainInt:
		return d.whole(c)
	case Number:
		return d.number(c)
	case Flag:
		d.value.Flag = c == 't'
		return d.word("true") || d.word("false")
	case Text, PlainText:
		return c == '"' && d.text()
	case Time:
		return c == '"' && d.time()
	default:
		return false
	}
}

// whole reads a number of up to 18 digits, which cannot overflow.
func (d *decoder) whole(c byte) bool {
	first := d.i
	if c == '-' {
		first++
	}
	n, end := int64(0), first
	for ; end < len(d.b) && scan.IsDigit(d.b[end]); end++ {
		n = 10*n + int64(d.b[end]-'0')
	}
	if size := end - first; size == 0 || size > 18 || d.b[first] == '0' && size > 1 || end == len(d.b) {
		return false
	}
	if following := d.b[end]; following == '.' || following|0x20 == 'e' {
		return false
	}
	if d.value.Int = n; c == '-' {
		d.value.Int = -n
	}
	d.i = end
	return true
}

func (d *decoder) number(c byte) bool {
	if d.short() {
		return true
	}
	end := -1
	if c == '-' || scan.IsDigit(c) {
		end = scan.Skip(d.b, d.i)
	}
	if end < 0 {
		return false
	}
	f, err := strconv.ParseFloat(string(d.b[d.i:end]), 64)
	d.value.Number, d.i = f, end
	return err == nil
}

// short reads a number of so few digits that float64 holds them, and the power of
// ten that divides them, exactly: the quotient is the nearest there is.
func (d *decoder) short() bool {
	n, scale, i := int64(0), int64(0), d.i // an int may have 32 bits
	for ; i < len(d.b) && i-d.i <= 15; i++ {
		switch c := d.b[i]; {
		case scan.IsDigit(c):
			n, scale = 10*n+int64(c-'0'), 10*scale
		case c == '.' && scale == 0 && i > d.i:
			scale = 1
		case (c == ',' || c == '}') && i > d.i && scale != 1 && (d.b[d.i] != '0' || scale > 0 && d.b[d.i+1] == '.' || i == d.i+1):
			d.value.Number, d.i = float64(n)/float64(max(scale, 1)), i
			return true
		default:
			return false
		}
	}
	return false
}

func (d *decoder) text() bool {
	end, verbatim := scan.Text(d.b, d.i)
	switch {
	case end < 0:
		return false
	case verbatim:
		d.value.Text = d.keep(d.b[d.i+1 : end-1])
	default:
		plain, err := jsontext.AppendUnquote(d.scratch[:0], d.b[d.i:end])
		if d.scratch = plain; err != nil {
			return false // it is not valid UTF-8
		}
		d.value.Text = d.keep(plain)
	}
	d.i = end
	return true
}

// keep copies a text.
func (d *decoder) keep(text []byte) string {
	switch {
	case len(text) == 0:
		return ""
	case len(text) > longText:
		return string(text)
	}
	if d.texts.Cap()-d.texts.Len() < len(text) {
		d.texts = strings.Builder{} // what the old one holds is in use
		d.texts.Grow(max(moreRoom, len(text)))
	}
	start := d.texts.Len()
	d.texts.Write(text)
	return d.texts.String()[start:]
}

func (d *decoder) time() bool {
	text := d.b[d.i+1:]
	end := bytes.IndexByte(text[:min(len(text), longestTime+1)], '"')
	if end < 0 {
		return false
	}
	t, ok := parseTime(text[:end])
	if ok {
		d.value.Time, d.i = t, d.i+end+2
	}
	return ok
}

const longestTime = len("2006-01-02T15:04:05.123456789Z")

// parseTime reads 2006-01-02T15:04:05Z, with or without a fraction.
func parseTime(s []byte) (time.Time, bool) {
	const whole = len("2006-01-02T15:04:05")
	if len(s) <= whole || len(s) > longestTime || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[len(s)-1] != 'Z' {
		return time.Time{}, false
	}
	good := true
	two := func(i int) int {
		good = good && scan.IsDigit(s[i]) && scan.IsDigit(s[i+1])
		return int(s[i]-'0')*10 + int(s[i+1]-'0')
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	nanoseconds := 0
	if fraction := s[whole : len(s)-1]; len(fraction) > 0 {
		good = good && fraction[0] == '.' && len(fraction) > 1
		for i, scale := 1, 100_000_000; i < len(fraction); i, scale = i+1, scale/10 {
			good = good && scan.IsDigit(fraction[i])
			nanoseconds += int(fraction[i]-'0') * scale
		}
	}
	if !good || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	const secondsOfDay = 24 * 60 * 60
	seconds := int64(daysSince1970(year, month, day))*secondsOfDay + int64((hour*60+minute)*60+second)
	return time.Unix(seconds, int64(nanoseconds)).UTC(), true
}

func daysIn(year, month int) int {
	switch {
	case month != 2:
		return 30 + (month+month/8)%2
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
}

// daysSince1970 returns the days from 1970-01-01 to a date, faster than time.Date. Its
// years begin in March, so that a leap day comes last, and are shifted by 400, so that
// none is negative.
func daysSince1970(year, month, day int) int {
	y, m := year+400, month-3
	if m < 0 {
		y, m = y-1, m+12
	}
	return 365*y + y/4 - y/100 + y/400 + (153*m+2)/5 + day - 1 - 719_468 - 146_097
}
