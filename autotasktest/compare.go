package autotasktest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// class is how values of a field compare.
type class int

const (
	textual class = iota
	numeric
	boolean
	temporal
	loose // user-defined fields: text that may hold any of these
)

func classOf(k schema.Kind) class {
	switch k {
	case schema.Integer, schema.Number:
		return numeric
	case schema.Boolean:
		return boolean
	case schema.DateTime:
		return temporal
	default:
		return textual
	}
}

// scalar is a value prepared for comparison.
type scalar struct {
	null   bool
	text   string // in lower case: the database compares text case-insensitively
	number float64
	whole  *int64 // the number exactly, if it is whole; a float64 blurs large ones
	moment time.Time
	class  class
}

// parse reads a value of a filter.
func (k class) parse(v json.RawMessage) (scalar, error) {
	if isNull(v) {
		return scalar{null: true}, nil
	}
	x := scalar{class: k, text: strings.ToLower(textOf(v))}
	var err error
	switch k {
	case numeric:
		if err = mustBeText(v, "tf{["); err == nil {
			err = x.readNumber()
		}
	case boolean:
		v, err = convertBoolean(v)
		x.text = string(v)
	case temporal:
		x.moment, err = parseDate(textOf(v))
	case textual:
		err = mustBeText(v, "{[")
	case loose:
		x.readLoosely(textOf(v))
	}
	return x, err
}

func (x *scalar) readNumber() error {
	var err error
	if x.number, err = strconv.ParseFloat(x.text, 64); err != nil {
		return conversionError(x.text, "int")
	}
	if n, err := strconv.ParseInt(x.text, 10, 64); err == nil {
		x.whole = &n
	}
	return nil
}

// readLoosely parses a string as a number or a date if it looks like one.
func (x *scalar) readLoosely(text string) {
	x.class = textual
	if x.readNumber() == nil {
		x.class = numeric
	} else if t, err := parseDate(text); err == nil {
		x.class, x.moment = temporal, t
	}
}

// stored parses a value of a row. A value of another type than its field's, as a row
// seeded raw may have, compares like null.
func stored(k class, v json.RawMessage) scalar {
	x, err := k.parse(v)
	if err != nil {
		return scalar{null: true}
	}
	return x
}

// compare orders two values, numbers as numbers and dates as moments.
func (x scalar) compare(y scalar) int {
	switch {
	case x.whole != nil && y.whole != nil:
		return cmp.Compare(*x.whole, *y.whole)
	case x.class == numeric && y.class == numeric:
		return cmp.Compare(x.number, y.number)
	case x.class == temporal && y.class == temporal:
		return x.moment.Compare(y.moment)
	}
	return strings.Compare(x.text, y.text)
}

// operators are all operators of the API. As in SQL, null compares with nothing: eq
// null finds no row, and a row without a value matches no comparison.
var operators = map[string]func(x scalar, wanted []scalar) bool{
	"eq":         comparing(func(c int) bool { return c == 0 }),
	"noteq":      comparing(func(c int) bool { return c != 0 }),
	"gt":         comparing(func(c int) bool { return c > 0 }),
	"gte":        comparing(func(c int) bool { return c >= 0 }),
	"lt":         comparing(func(c int) bool { return c < 0 }),
	"lte":        comparing(func(c int) bool { return c <= 0 }),
	"beginsWith": searching(strings.HasPrefix),
	"endsWith":   searching(strings.HasSuffix),
	"contains":   searching(strings.Contains),
	"exist":      func(x scalar, _ []scalar) bool { return x.exists() },
	"notExist":   func(x scalar, _ []scalar) bool { return !x.exists() },
	"in":         func(x scalar, wanted []scalar) bool { return !x.null && x.isAmong(wanted) },
	"notIn":      func(x scalar, wanted []scalar) bool { return !x.null && !x.isAmong(wanted) },
}

func comparing(holds func(int) bool) func(scalar, []scalar) bool {
	return func(x scalar, wanted []scalar) bool {
		return !x.null && !wanted[0].null && holds(x.compare(wanted[0]))
	}
}

func searching(holds func(text, part string) bool) func(scalar, []scalar) bool {
	return func(x scalar, wanted []scalar) bool {
		return !x.null && !wanted[0].null && holds(x.text, wanted[0].text)
	}
}

// exists reports whether there is a value: an empty string is none.
func (x scalar) exists() bool { return !x.null && x.text != "" }

func (x scalar) isAmong(wanted []scalar) bool {
	return slices.ContainsFunc(wanted, func(w scalar) bool { return !w.null && x.compare(w) == 0 })
}
