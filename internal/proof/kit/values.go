package kit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

// Object decodes a JSON object, numbers as written.
func Object(t testing.TB, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	require.NoError(t, d.Decode(&m), "%s", body)
	return m
}

// Item is a JSON object with the bytes of its values as they stand.
type Item struct {
	Names  []string
	Values map[string]string
}

// ParseItem takes an object apart.
func ParseItem(t testing.TB, b []byte) Item {
	t.Helper()
	d := jsontext.NewDecoder(strings.NewReader(string(b)))
	_, err := d.ReadToken()
	require.NoError(t, err)
	it := Item{Values: map[string]string{}}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		require.NoError(t, err)
		it.Names = append(it.Names, name.String())
		value, err := d.ReadValue()
		require.NoError(t, err)
		it.Values[it.Names[len(it.Names)-1]] = string(value)
	}
	return it
}

// IDText is an id as text.
func IDText(id int64) string { return strconv.FormatInt(id, 10) }

// IDOf is a number of a row as text.
func IDOf(v any) string { return fmt.Sprint(v) }

// Numbers are those from 1 to n.
func Numbers(n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(i) + 1
	}
	return all
}

// RetryAfter is the wait that an error asks for.
func RetryAfter(t testing.TB, err error) time.Duration {
	t.Helper()
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	return e.RetryAfter
}

// Encode returns the JSON of a value.
func Encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}
