package merge

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sameAsRead holds what split takes to what readMembers reads.
func sameAsRead(t *testing.T, object []byte) (took bool) {
	t.Helper()
	got, ok := split(object, nil)
	if !ok {
		return false
	}
	want, err := readMembers(object)
	require.NoError(t, err, "%s", object)
	require.Len(t, got, len(want))
	for i := range want {
		assert.Equal(t, want[i], got[i])
	}
	return true
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, object := range []string{
		`{"id":1,"title":"x","n":-12345678901234567890.5e+7}`,
		" {\n\"a\" : [ 1 , { \"b\" : null, \"b\" : [] } ] ,\t\"é\" : \"\\u00e9\\ud800\\\\\" , \"c\":{}} ",
		"{\"cut\":\"\xc3\",\"\":false}",
	} {
		assert.True(t, sameAsRead(t, []byte(object)), "%s", object)
	}
	for _, object := range []string{
		``, `[]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a":1]`, `{"a":1}}`, `{"a":1}x`, `{"a":01}`,
		`{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":"\x"}`, `{"a":"\u00g0"}`, "{\"a\":\"\x01\"}", `{"a":"`, `{"a":[1,]}`,
		`{"a":{"b"}}`, `{"a":1,"a":2}`, `{"\u0061":1}`, "{\"\xc3\":1}", `{a:1}`, `{"a":'1'}`, "{\"a\":1}\x00",
	} {
		_, ok := split([]byte(object), nil)
		assert.False(t, ok, "%s", object)
	}
}

// FuzzSplit: what split takes, it takes as the careful reading does.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"id":1,"title":"x","n":12345678901234567890,"u":[{"name":"A","value":null}]}`))
	f.Add([]byte(` { "a" : [ 1 , 2 ] , "\u0062" : "\u00e9" } `))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, object []byte) { sameAsRead(t, object) })
}
