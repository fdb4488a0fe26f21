package merge

import (
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzOverlay: nothing but the named member changes, and that one takes its value.
func FuzzOverlay(f *testing.F) {
	f.Add([]byte(`{"id":1,"title":"x","n":12345678901234567890}`), "title", []byte(`"y"`))
	f.Add([]byte(` { "a" : [ 1 , 2 ] , "\u0062" : "\u00e9" } `), "b", []byte(`null`))
	f.Add([]byte(`{"userDefinedFields":[{"name":"A","value":"1","x":2},{"name":"B","value":null}]}`), UDFs, []byte(`[{"name":"A","value":"2"},{"name":"B","value":null}]`))
	f.Add([]byte(`{}`), "", []byte(`{}`))
	f.Add([]byte(`{"a":1,"a":2}`), "a", []byte(`3`))
	f.Fuzz(func(t *testing.T, object []byte, name string, value []byte) {
		if !jsontext.Value(value).IsValid() || !utf8.ValidString(name) {
			return
		}
		before, err := members(object)
		if err != nil {
			return
		}
		c := Change{Name: name, Old: find(before, name), New: value}
		out, err := Overlay(object, []Change{c}, nil)
		if err != nil {
			return
		}
		after, err := members(out)
		require.NoError(t, err, "%s", out)
		for _, m := range before {
			if m.name != name {
				assert.Equal(t, string(m.value), string(find(after, m.name)), "member %q of %s", m.name, out)
			}
		}
		got := find(after, name)
		require.NotNil(t, got)
		if name != UDFs {
			want := jsontext.Value(value)
			assert.Equal(t, trimmed(t, want), trimmed(t, got))
		}
		grown := 0
		if find(before, name) == nil {
			grown = 1
		}
		assert.Len(t, after, len(before)+grown)
	})
}

func trimmed(t *testing.T, v jsontext.Value) string {
	t.Helper()
	c := v.Clone()
	require.NoError(t, c.Compact())
	return string(c)
}

// FuzzDiff: what Diff finds, laid over the one object, gives the members of the other.
func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":2}`), []byte(`{"a":1,"b":3,"c":4}`))
	f.Add([]byte(`{"userDefinedFields":[{"name":"A","value":"1"}]}`), []byte(`{"userDefinedFields":[{"name":"A","value":"2"}]}`))
	f.Add([]byte(`{"a":1}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		changes, err := Diff(before, after)
		if err != nil {
			return
		}
		want, err := members(after)
		require.NoError(t, err)
		out, err := Overlay(before, changes, nil)
		if err != nil {
			return // something was taken away, or user-defined fields that cannot be merged
		}
		got, err := members(out)
		require.NoError(t, err)
		others := func(all []member) int {
			return len(all) - min(1, len(find(all, UDFs))) // an empty array of them is as good as none
		}
		assert.Equal(t, others(want), others(got))
		for _, m := range want {
			if m.name != UDFs {
				assert.Equal(t, string(m.value), string(find(got, m.name)))
			}
		}
	})
}
