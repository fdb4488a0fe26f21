package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/webhook"
)

const (
	secret = "the key of a test"
	update = `{"Action":"Update","Guid":"00000000-0000-4000-8000-000000000001","EntityType":"Ticket","Id":4711,` +
		`"Fields":{"Title":"Backup failed","Status":5},"EventTime":"2026-11-23T12:00:00.12","SequenceNumber":17,"PersonID":29682885}`

	// Computed with openssl dgst -sha1 -hmac "the key of a test" -binary | base64.
	updateSignature = "sha1=4oUXX9rgstdU/oMwSLkocE5JGc4="
)

func sign(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	_, _ = mac.Write([]byte(text))
	return "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func call(t *testing.T, body, signature string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hook", strings.NewReader(body))
	r.Header.Set("X-Hook-Signature", signature)
	return r
}

// log takes the events that a handler lets through.
type log struct {
	events []*webhook.Event
	err    error
}

func (l *log) handle(_ context.Context, e *webhook.Event) error {
	l.events = append(l.events, e)
	return l.err
}

func newHandler(t *testing.T, opts ...webhook.Option) (*webhook.Handler, *log) {
	t.Helper()
	l := &log{}
	h, err := webhook.NewHandler(secret, l.handle, opts...)
	require.NoError(t, err)
	return h, l
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandlerTakesWhatIsSigned(t *testing.T) {
	t.Parallel()
	require.Equal(t, updateSignature, sign(secret, update))
	for name, signature := range map[string]string{
		"literal":    updateSignature,
		"upper case": "SHA1" + strings.TrimPrefix(updateSignature, "sha1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, l := newHandler(t)
			w := serve(h, call(t, update, signature))
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Empty(t, w.Body.String())
			require.Len(t, l.events, 1)
			assert.Equal(t, int64(4711), l.events[0].ID)
		})
	}
}

func TestHandlerRefusesSignatures(t *testing.T) {
	t.Parallel()
	digest := strings.TrimPrefix(updateSignature, "sha1=")
	for name, values := range map[string][]string{
		"none":           nil,
		"empty":          {""},
		"no algorithm":   {digest},
		"only algorithm": {"sha1="},
		"no value":       {"sha1"},
		"other hash":     {"sha256=" + digest},
		"two":            {updateSignature, updateSignature},
		"a good second":  {sign("another", update), updateSignature},
		"list":           {updateSignature + ", " + updateSignature},
		"no padding":     {strings.TrimRight(updateSignature, "=")},
		"URL alphabet":   {"sha1=" + strings.Repeat("_", 27) + "="},
		"hexadecimal":    {"sha1=" + strings.Repeat("0f", 20)},
		"short":          {"sha1=" + base64.StdEncoding.EncodeToString(make([]byte, 19))},
		"long":           {"sha1=" + base64.StdEncoding.EncodeToString(make([]byte, 21))},
		"zero":           {"sha1=" + base64.StdEncoding.EncodeToString(make([]byte, 20))},
		"blank inside":   {"sha1= " + digest},
		"wrong secret":   {sign("another", update)},
		"other body":     {sign(secret, update+" ")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, l := newHandler(t, webhook.WithEscapedSignatures(), webhook.WithPreviousSecret("old"))
			r := call(t, update, "")
			r.Header["X-Hook-Signature"] = values
			assert.Equal(t, http.StatusUnauthorized, serve(h, r).Code)
			assert.Empty(t, l.events)
		})
	}
}

// Every single bit of the body counts, and so does every one of the signature.
func TestHandlerRefusesFlippedBits(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t)
	for i := range update {
		body := []byte(update)
		body[i] ^= 1
		assert.Equal(t, http.StatusUnauthorized, serve(h, call(t, string(body), updateSignature)).Code)
	}
	digest, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(updateSignature, "sha1="))
	require.NoError(t, err)
	for i := range digest {
		other := bytes.Clone(digest)
		other[i] ^= 0x80
		assert.Equal(t, http.StatusUnauthorized, serve(h, call(t, update, "sha1="+base64.StdEncoding.EncodeToString(other))).Code)
	}
	assert.Empty(t, l.events)
}

// unread fails the test when it is read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestHandlerReadsNothingUnsigned(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t)
	for method, want := range map[string]int{
		http.MethodPost: http.StatusUnauthorized, http.MethodGet: http.StatusMethodNotAllowed,
		http.MethodPut: http.StatusMethodNotAllowed, http.MethodHead: http.StatusMethodNotAllowed,
	} {
		w := serve(h, httptest.NewRequestWithContext(t.Context(), method, "/hook", unread{t}))
		assert.Equal(t, want, w.Code, method)
		if want == http.StatusMethodNotAllowed {
			assert.Equal(t, http.MethodPost, w.Header().Get("Allow"))
		}
	}
}

func TestHandlerBoundsTheBody(t *testing.T) {
	t.Parallel()
	exact, l := newHandler(t, webhook.WithMaxBodyBytes(int64(len(update))))
	assert.Equal(t, http.StatusOK, serve(exact, call(t, update, updateSignature)).Code)
	assert.Len(t, l.events, 1)

	longer := update + " "
	assert.Equal(t, http.StatusRequestEntityTooLarge, serve(exact, call(t, longer, sign(secret, longer))).Code)
	assert.Len(t, l.events, 1)

	h, l := newHandler(t)
	endless := call(t, "", updateSignature)
	endless.Body = io.NopCloser(zeros{})
	assert.Equal(t, http.StatusRequestEntityTooLarge, serve(h, endless).Code)
	assert.Empty(t, l.events)
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A caller that goes away in the middle of the body ends the call at once, as
// the server of net/http ends the reading.
func TestHandlerSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, l := newHandler(t)
		ctx, cancel := context.WithCancel(t.Context())
		body, sender := io.Pipe()
		context.AfterFunc(ctx, func() { _ = sender.CloseWithError(ctx.Err()) })
		r := call(t, "", updateSignature).WithContext(ctx)
		r.Body = body
		done := make(chan int)
		go func() { done <- serve(h, r).Code }()
		_, err := io.WriteString(sender, update[:20])
		require.NoError(t, err)
		synctest.Wait()
		cancel()
		assert.Equal(t, http.StatusBadRequest, <-done)
		assert.Empty(t, l.events)
	})
}

func TestHandlerBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	body, sender := io.Pipe()
	broken := errors.New("the cable is out")
	go func() {
		_, _ = io.WriteString(sender, update[:20])
		_ = sender.CloseWithError(broken)
	}()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, body)
	require.NoError(t, err)
	r.Header.Set("X-Hook-Signature", updateSignature)
	resp, err := srv.Client().Do(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, broken)
	srv.Close() // waits for the handler
	assert.Empty(t, l.events)
}

func TestHandlerUnreadableBody(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "null", "[]", "7", `"x"`, "{", "{}", `{"Action":"Update"}`, update + "x", update + update,
		`{"Action":"Update","Id":1}`,
		`{"Action":"Update","EntityType":"Ticket"}`,
		`{"Action":"Update","EntityType":"Ticket","Id":null}`,
		`{"Action":"Update","EntityType":"Ticket","Id":"T1"}`,
		`{"Action":"Update","EntityType":"Ticket","Id":1.5}`,
		`{"Action":"Update","EntityType":"Ticket","Id":1,"id":2}`,
		`{"Action":"Update","Action":"Update","EntityType":"Ticket","Id":1}`,
		`{"Action":"Update","EntityType":"Ticket","ENTITYTYPE":"Ticket","Id":1}`,
		`{"Action":"update","EntityType":"Ticket"}`,
		`{"Action":"DELETE","Id":1}`,
		`{"Action":"Update","EntityType":["Ticket"],"Id":1}`,
		`{"Action":"Update","EntityType":"Ticket","Id":1,"Fields":{]}`,
		`{"Action":"Update","EntityType":"Ticket","Id":1,"Guid"`,
		`{"Action":{},"EntityType":"Ticket","Id":1}`,
		`{"Action":"","EntityType":"Ticket","Id":1}`,
	} {
		h, l := newHandler(t)
		w := serve(h, call(t, body, sign(secret, body)))
		assert.Equal(t, http.StatusBadRequest, w.Code, body)
		assert.Empty(t, l.events)
		_, err := webhook.ParseEvent([]byte(body))
		require.ErrorIs(t, err, autotask.ErrInvalid, body)
	}
}

func TestHandlerFails(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t)
	l.err = errors.New("the database at 10.0.0.7 is down")
	w := serve(h, call(t, update, updateSignature))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "10.0.0.7")

	h, err := webhook.NewHandler(secret, func(context.Context, *webhook.Event) error { panic("broken") })
	require.NoError(t, err)
	assert.PanicsWithValue(t, "broken", func() { serve(h, call(t, update, updateSignature)) })
}

func TestHandlerPassesTheContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	h, err := webhook.NewHandler(secret, func(ctx context.Context, _ *webhook.Event) error {
		if ctx.Value(key{}) != "v" {
			return errors.New("another context")
		}
		return nil
	})
	require.NoError(t, err)
	r := call(t, update, updateSignature)
	assert.Equal(t, http.StatusOK, serve(h, r.WithContext(context.WithValue(r.Context(), key{}, "v"))).Code)
}

func TestFormerSecret(t *testing.T) {
	t.Parallel()
	h, l := newHandler(t, webhook.WithPreviousSecret("old"), webhook.WithPreviousSecret("older"))
	for _, key := range []string{secret, "old", "older"} {
		assert.Equal(t, http.StatusOK, serve(h, call(t, update, sign(key, update))).Code)
	}
	assert.Equal(t, http.StatusUnauthorized, serve(h, call(t, update, sign("oldest", update))).Code)
	assert.Len(t, l.events, 3)
}

func TestEscapedSignatures(t *testing.T) {
	t.Parallel()
	body := func(text string) string {
		return `{"Action":"Update","EntityType":"Ticket","Id":1,"Fields":{"title":"` + text + `"}}`
	}
	const raw = `Grüße 'a' & <b> \"c\" \\ ` + "`" + `+ 😀 \u00fc \n/` + "\x7f"
	for name, signed := range map[string]string{
		"as it is": body(raw),
		"upper case": body(`Gr\u00FC\u00DFe \u0027a\u0027 \u0026 \u003Cb\u003E \u0022c\u0022 \u005C ` +
			`\u0060\u002B \uD83D\uDE00 \u00fc \n/\u007F`),
		"lower case": body(`Gr\u00fc\u00dfe \u0027a\u0027 \u0026 \u003cb\u003e \u0022c\u0022 \u005c ` +
			`\u0060\u002b \ud83d\ude00 \u00fc \n/\u007f`),
		"upper case, plain backslash": body(`Gr\u00FC\u00DFe \u0027a\u0027 \u0026 \u003Cb\u003E \u0022c\u0022 \\ ` +
			`\u0060\u002B \uD83D\uDE00 \u00fc \n/\u007F`),
		"lower case, plain backslash": body(`Gr\u00fc\u00dfe \u0027a\u0027 \u0026 \u003cb\u003e \u0022c\u0022 \\ ` +
			`\u0060\u002b \ud83d\ude00 \u00fc \n/\u007f`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, l := newHandler(t, webhook.WithEscapedSignatures(), webhook.WithPreviousSecret("old"))
			for _, key := range []string{secret, "old"} {
				assert.Equal(t, http.StatusOK, serve(h, call(t, body(raw), sign(key, signed))).Code)
			}
			require.Len(t, l.events, 2)
			var got struct{ Title string }
			require.NoError(t, l.events[0].Decode(&got))
			assert.Equal(t, "Grüße 'a' & <b> \"c\" \\ `+ 😀 ü \n/\x7f", got.Title)
			assert.JSONEq(t, body(raw), signed, "the forms must not differ in what they say")

			assert.Equal(t, http.StatusUnauthorized, serve(h, call(t, body(raw+"."), sign(secret, signed))).Code)
			plain, l := newHandler(t)
			want := http.StatusUnauthorized
			if signed == body(raw) {
				want = http.StatusOK
			}
			assert.Equal(t, want, serve(plain, call(t, body(raw), sign(secret, signed))).Code)
			assert.Equal(t, want == http.StatusOK, len(l.events) == 1)
		})
	}
}

func TestEscapedSignaturesOfASingleCharacter(t *testing.T) {
	t.Parallel()
	for text, escaped := range map[string]string{
		"&": `\u0026`, "<": `\u003C`, ">": `\u003E`, "'": `\u0027`, "`": `\u0060`, "+": `\u002B`, "\x7f": `\u007F`, "ü": `\u00FC`, `\\`: `\u005C`,
	} {
		h, _ := newHandler(t, webhook.WithEscapedSignatures())
		signed := strings.Replace(update, "Update", "Upd"+escaped, 1)
		require.NotEqual(t, update, signed)
		body := strings.Replace(update, "Update", "Upd"+text, 1)
		assert.Equal(t, http.StatusOK, serve(h, call(t, body, sign(secret, signed))).Code, "%q", text)
	}
}

func TestNewHandlerRefuses(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, *webhook.Event) error { return nil }
	for want, make := range map[string]func() (*webhook.Handler, error){
		"the secret is empty":       func() (*webhook.Handler, error) { return webhook.NewHandler("", handle) },
		"secret has 65 characters":  func() (*webhook.Handler, error) { return webhook.NewHandler(strings.Repeat("s", 65), handle) },
		"read from a file?":         func() (*webhook.Handler, error) { return webhook.NewHandler("s\n", handle) },
		"the function that handles": func() (*webhook.Handler, error) { return webhook.NewHandler(secret, nil) },
		"at least one byte": func() (*webhook.Handler, error) {
			return webhook.NewHandler(secret, handle, webhook.WithMaxBodyBytes(0))
		},
		"the previous secret is empty": func() (*webhook.Handler, error) {
			return webhook.NewHandler(secret, handle, webhook.WithPreviousSecret(" "))
		},
		"previous secret has 66 characters": func() (*webhook.Handler, error) {
			return webhook.NewHandler(secret, handle, webhook.WithPreviousSecret(strings.Repeat("😀", 33)))
		},
		"an Option is nil":                  func() (*webhook.Handler, error) { return webhook.NewHandler("long enough", handle, nil) },
		"the secret is empty; the function": func() (*webhook.Handler, error) { return webhook.NewHandler("", nil) },
	} {
		h, err := make()
		require.ErrorIs(t, err, autotask.ErrInvalid)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "ss")
		assert.Nil(t, h)
	}
	_, err := webhook.NewHandler(strings.Repeat("s", 64), handle)
	require.NoError(t, err, "as many as there may be")
}

func TestHandlerShowsNoSecret(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, webhook.WithPreviousSecret("another secret"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		text := fmt.Sprintf(verb, h) + fmt.Sprintf(verb, *h)
		for _, key := range []string{secret, "another secret"} {
			assert.NotContains(t, text, key)
			assert.NotContains(t, text, fmt.Sprintf("%x", key))
			assert.NotContains(t, text, strings.Trim(fmt.Sprintf("%d", []byte(key)), "[]"))
		}
	}
}
