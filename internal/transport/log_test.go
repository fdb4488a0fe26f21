package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logged carries out a call with a logger and returns the records.
func logged(t *testing.T, c Config, level slog.Level, r *Request) (records []map[string]any, text string) {
	t.Helper()
	var out lockedBuffer
	c.Log = LogTo(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})))
	_, _ = New(c).Do(t.Context(), r)
	for line := range strings.Lines(out.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		records = append(records, record)
	}
	return records, out.String()
}

func TestOneRecordAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(status int, d time.Duration) roundTrip {
			return func(req *http.Request) (*http.Response, error) {
				return answer(status, good), pause(req.Context(), d)
			}
		}
		c := config(scripted(slow(503, time.Second), fails(io.ErrUnexpectedEOF), slow(200, 2*time.Second)))
		c.Limiter = limiter(func(ctx context.Context, _ string) (func(), error) { return nil, pause(ctx, 3*time.Second) })
		records, _ := logged(t, c, slog.LevelDebug, request(fakeBase, http.MethodPost, "Tickets/5/Notes/query"))
		require.Len(t, records, 3)
		for i, want := range []map[string]any{
			{"level": "WARN", "status": 503.0, "attempt": 1.0, "duration": 1e9},
			{"level": "WARN", "error": "unexpected EOF", "attempt": 2.0, "duration": 0.0},
			{"level": "DEBUG", "status": 200.0, "attempt": 3.0, "duration": 2e9},
		} {
			want["msg"] = "autotask request"
			want["operation"] = "POST Tickets/{id}/Notes/query"
			want["waited"] = 3e9
			delete(records[i], "time")
			assert.Equal(t, want, records[i], "attempt %d", i+1)
		}
	})
}

func TestWaitingForTheGateIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		c := config(takes(time.Second))
		c.MaxConcurrency = 1
		c.Log = LogTo(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		tr := New(c)
		go func() { _, _ = tr.Do(t.Context(), get(fakeBase)) }()
		synctest.Wait()
		_, err := tr.Do(t.Context(), get(fakeBase))
		require.NoError(t, err)
		assert.Contains(t, out.String(), "waited=0s")
		assert.Contains(t, out.String(), "waited=1s")
	})
}

func TestLogKeepsSecretsQueriesAndBodiesToItself(t *testing.T) {
	t.Parallel()
	const private = "private-detail"
	for name, step := range map[string]roundTrip{
		"good":       gives(200, good+strings.Repeat(" ", 10), "X-Private", private),
		"refused":    gives(500, `{"errors":["`+private+` `+secret+`"]}`),
		"redirect":   gives(302, "", "Location", "https://elsewhere.example/?"+private),
		"unreadable": gives(200, private),
		"echo":       fails(errors.New("malformed answer " + secret + " " + userName + " " + integrationCode)),
	} {
		c := config(step)
		c.MaxRetries = 0
		r := create(fakeBase)
		r.URL += "?search=" + private
		r.Body = []byte(`{"description":"` + private + `"}`)
		r.ImpersonateID = 471147114711471 // longer than any duration in a record
		records, text := logged(t, c, slog.LevelDebug, r)
		assert.Len(t, records, 1, name)
		for _, s := range []string{private, secret, userName, integrationCode, "471147114711471", "zone.example", "Secret"} {
			assert.NotContains(t, text, s, name)
		}
	}
}

func TestGoodAnswersAreLoggedAtDebugOnly(t *testing.T) {
	t.Parallel()
	records, _ := logged(t, config(gives(200, good)), slog.LevelInfo, get(fakeBase))
	assert.Empty(t, records)
	for _, status := range []int{400, 404} {
		records, _ = logged(t, config(gives(status, "")), slog.LevelInfo, get(fakeBase))
		assert.Len(t, records, 1, status)
	}
}

func TestWhatWasNotSentIsNotLogged(t *testing.T) {
	t.Parallel()
	c := config(gives(200, good))
	c.Limiter = limiter(func(context.Context, string) (func(), error) { return nil, errors.New("no") })
	records, _ := logged(t, c, slog.LevelDebug, get(fakeBase))
	assert.Empty(t, records)
}
