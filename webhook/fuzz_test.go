package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const event = `{"Action":"Update","EntityType":"Account","Id":1,"Fields":{"title":"a"}}`

// No bytes make ParseEvent panic, and what it reads can be read again.
func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(event))
	f.Add([]byte(`{"Action":"Deactivated","EventTime":"2026-11-23T12:00:00.12"}`))
	f.Add([]byte("{\"Action\":\"\\uD83D\xff\",\"Fields\":[1]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ParseEvent(body)
		if err != nil {
			return
		}
		again, err := ParseEvent(e.Raw)
		require.NoError(t, err)
		assert.Equal(t, e, again)
		var into map[string]any
		require.NoError(t, e.Decode(&into))
	})
}

// Whatever the bytes are, a form of them is ASCII and a form of itself; of JSON
// it says the same, and of what needs no escape it is the same.
func FuzzEscape(f *testing.F) {
	f.Add([]byte(event))
	f.Add([]byte(`{"ü & <b>":"\\ \" \u00fc 😀 \`))
	f.Add([]byte("\"\xff\xf0\x9f\" \x7f"))
	f.Add([]byte(`"` + strings.Repeat("a😀&", 2*chunk) + `"`)) // in several chunks
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, form := range escapedForms {
			escaped := escape(form, body)
			assert.Equal(t, escaped, escape(form, escaped))
			assert.True(t, mayEscape(body) || bytes.Equal(body, escaped))
			var want, got any
			if json.Unmarshal(body, &want) == nil {
				require.NoError(t, json.Unmarshal(escaped, &got))
				assert.Equal(t, want, got)
				assert.False(t, bytes.ContainsFunc(escaped, func(r rune) bool { return r > 0x7E }))
			}
			if isSafe(body) {
				assert.Equal(t, string(body), string(escaped))
			}
		}
	})
}

func escape(f form, body []byte) []byte {
	w := &bytes.Buffer{}
	f.write(w, body)
	return append([]byte{}, w.Bytes()...)
}

func isSafe(body []byte) bool {
	return !bytes.ContainsFunc(body, func(r rune) bool { return r >= 0x7F || strings.ContainsRune("&<>'`+", r) }) &&
		!bytes.Contains(body, []byte(`\"`)) && !bytes.Contains(body, []byte(`\\`))
}

// No request gets through to the function without a signature made with the
// secret, whatever its body and header are.
func FuzzHandler(f *testing.F) {
	f.Add([]byte(event), "sha1=AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add([]byte(event), "sha1=")
	h, err := NewHandler("a secret nobody guesses", func(context.Context, *Event) error {
		panic("an unsigned call got through")
	}, WithEscapedSignatures())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		r.Header["X-Hook-Signature"] = []string{signature}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusUnauthorized, w.Code)
	})
}

// Whoever knows no secret must not make the handler use much memory: the forms
// of a body, which are up to six times as long, are never held whole.
//
//nolint:paralleltest // it measures what the process allocates
func TestHostileBodyTakesLittleMemory(t *testing.T) {
	h, err := NewHandler("secret", func(context.Context, *Event) error { return nil }, WithEscapedSignatures(), WithPreviousSecret("old"))
	require.NoError(t, err)
	signature := make([]byte, 20)
	for _, text := range []string{"&", `\"`, "ü", "😀", "\xff"} {
		body := []byte(`"` + strings.Repeat(text, defaultMaxBodyBytes/len(text)))
		assert.LessOrEqual(t, allocated(func() { assert.False(t, h.isSigned(body, signature)) }), uint64(64<<10), text)

		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body[:defaultMaxBodyBytes]))
		r.Header["X-Hook-Signature"] = []string{"sha1=AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
		w := httptest.NewRecorder()
		assert.LessOrEqual(t, allocated(func() { h.ServeHTTP(w, r) }), uint64(8<<20), text)
		assert.Equal(t, http.StatusUnauthorized, w.Code)
	}
}

// allocated returns how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
