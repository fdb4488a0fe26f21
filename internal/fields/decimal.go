package fields

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/wire"
)

// SameUDF reports whether a user-defined field that was set to want and is read back
// as got has the new value. before is the value before the write, nil if absent.
//
// On the wire such values are strings, whatever their type. Equal strings are the
// same value. If the string has not changed since before the write, the write was not
// applied. Otherwise the values may be numbers or dates that the server writes in its
// own way; they are the same if the number or instant is exactly the same.
func SameUDF(want, got, before jsontext.Value) bool {
	if isEmpty(want) || isEmpty(got) {
		return isEmpty(want) && isEmpty(got)
	}
	a, b := Even(wire.Text(want)), Even(wire.Text(got))
	switch {
	case a == b:
		return true
	case !isEmpty(before) && b == Even(wire.Text(before)):
		return false
	}
	return sameDecimal(a, b) || sameInstant(a, b)
}

func sameInstant(a, b string) bool {
	at, errA := wire.ParseTime(a)
	bt, errB := wire.ParseTime(b)
	return errA == nil && errB == nil && at.Equal(bt)
}

// sameNumber reports whether a number that was set to want and is read back as got
// has the new value. It compares exactly, except for the four decimal places that
// Autotask keeps: a number with more may be rounded, unless it was the same before,
// when nothing proves that the write ran.
func sameNumber(want, got, before string) bool {
	w, okW := parseDecimal(want)
	g, okG := parseDecimal(got)
	if !okW || !okG || w == g {
		return okW && okG
	}
	if w.exponent >= 0 || sameDecimal(got, before) {
		return false
	}
	a, errA := strconv.ParseFloat(want, 64)
	b, errB := strconv.ParseFloat(got, 64)
	return errA == nil && errB == nil && math.Abs(a-b) < 0.00006
}

func sameDecimal(a, b string) bool {
	x, okX := parseDecimal(a)
	y, okY := parseDecimal(b)
	return okX && okY && x == y
}

// decimal is a number of any length, in the one form in which equal numbers are
// equal: digits without zeros at either end, times a power of ten.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// maxExponent is the largest exponent accepted as a number, far beyond any that is
// stored.
const maxExponent = 1000

func parseDecimal(s string) (decimal, bool) {
	var d decimal
	d.negative = strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
		n, err := strconv.Atoi(exponent)
		if err != nil || n < -maxExponent || n > maxExponent {
			return decimal{}, false
		}
		d.exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return decimal{}, false
	}
	d.exponent -= len(fraction)
	d.digits = strings.TrimLeft(digits, "0")
	if d.digits == "" {
		return decimal{}, true // zero, of either sign
	}
	significant := strings.TrimRight(d.digits, "0")
	d.exponent += len(d.digits) - len(significant)
	d.digits = significant
	return d, true
}
