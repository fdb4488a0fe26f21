package main

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/limits/postgres"
)

// What becomes of a job, for every kind of error of the library.
var verdicts = map[string]struct {
	err  error
	want verdict
}{
	"ErrNotFound":       {autotask.ErrNotFound, cancel},
	"ErrUnauthorized":   {autotask.ErrUnauthorized, pauseQueue},
	"ErrPermission":     {autotask.ErrPermission, cancel},
	"ErrInvalid":        {autotask.ErrInvalid, cancel},
	"ErrRateLimited":    {autotask.ErrRateLimited, snooze},
	"ErrThreadLimit":    {errors.Join(autotask.ErrThreadLimit, autotask.ErrRateLimited), snooze},
	"ErrServer":         {autotask.ErrServer, retry},
	"ErrOutcomeUnknown": {autotask.ErrOutcomeUnknown, snooze},
	"ErrUnsupported":    {autotask.ErrUnsupported, cancel},
	"ErrMissingField":   {autotask.ErrMissingField, cancel},
	"ErrNotApplied":     {autotask.ErrNotApplied, retry},
	"ErrAmbiguous":      {&autotask.AmbiguousError{}, cancel},
	"ErrNotStarted":     {autotask.ErrNotStarted, retry},
	"ErrReadOnly":       {autotask.ErrReadOnly, cancel},

	"limits.ErrStore":       {postgres.ErrStore, snooze},
	"limits.ErrLost":        {errors.Join(context.Canceled, postgres.ErrLost), snooze},
	"changes.ErrMissing":    {changes.ErrMissing, cancel},
	"changes.ErrNewerState": {changes.ErrNewerState, cancel},
	"none":                  {nil, finish},
	"another":               {errors.New("disk full"), retry},
	"stopped":               {context.Canceled, snooze},
	"took too long":         {context.DeadlineExceeded, retry},

	// Of several kinds, the one that forbids most counts.
	"an unknown outcome of what was not found": {errors.Join(autotask.ErrNotFound, autotask.ErrOutcomeUnknown), snooze},
	"an unknown outcome when stopped":          {errors.Join(context.Canceled, autotask.ErrOutcomeUnknown), snooze},
	"refused credentials, as invalid":          {errors.Join(autotask.ErrInvalid, autotask.ErrUnauthorized), pauseQueue},
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, test := range verdicts {
		got, wait := judge(test.err)
		assert.Equal(t, test.want, got, name)
		if test.err != nil {
			wrapped, _ := judge(fmt.Errorf("alert: %w", test.err))
			assert.Equal(t, test.want, wrapped, name)
		}
		if got == snooze || got == pauseQueue {
			assert.Positive(t, wait, name)
		}
	}
}

// A new kind of error needs a line in the table.
func TestJudgeKnowsEveryKind(t *testing.T) {
	t.Parallel()
	for file, prefix := range map[string]string{"../../errors.go": "", "../../changes/changes.go": "changes.", "../../changes/state.go": "changes."} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		found := 0
		for _, d := range parsed.Decls {
			g, is := d.(*ast.GenDecl)
			if !is || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				for _, n := range s.(*ast.ValueSpec).Names {
					if strings.HasPrefix(n.Name, "Err") {
						found++
						assert.Contains(t, verdicts, prefix+n.Name)
					}
				}
			}
		}
		assert.Positive(t, found, file)
	}
}

// The job waits as long as the error says, and hardly longer.
func TestTheWaitIsTheErrors(t *testing.T) {
	t.Parallel()
	limited := &autotask.Error{StatusCode: http.StatusTooManyRequests, Method: http.MethodGet, Path: "Tickets/1", RetryAfter: 10 * time.Minute}
	require.ErrorIs(t, limited, autotask.ErrRateLimited)
	for range 100 {
		got, wait := judge(fmt.Errorf("alert: %w", limited))
		require.Equal(t, snooze, got)
		require.GreaterOrEqual(t, wait, 10*time.Minute)
		require.LessOrEqual(t, wait, 11*time.Minute)
	}
	_, wait := judge(autotask.ErrRateLimited)
	assert.GreaterOrEqual(t, wait, unknownWait)
}

// What a worker returns is what makes River do it.
func TestWhatRiverIsTold(t *testing.T) {
	t.Parallel()
	var paused []string
	d := &desk{
		tenants: map[string]place{"acme": {}},
		pause:   func(_ context.Context, queue string) error { paused = append(paused, queue); return nil },
		warn:    func(string, ...any) {},
	}
	told := func(err error) error {
		return d.do(t.Context(), "acme", func(context.Context, place) error { return err })
	}
	var s *river.JobSnoozeError
	var c *river.JobCancelError

	require.NoError(t, told(nil))
	require.ErrorAs(t, told(&autotask.Error{StatusCode: 429, RetryAfter: time.Hour}), &s)
	assert.GreaterOrEqual(t, s.Duration, time.Hour)
	require.ErrorAs(t, told(river.JobSnooze(time.Second)), &s)
	assert.Equal(t, time.Second, s.Duration)
	require.ErrorAs(t, told(autotask.ErrNotFound), &c)
	require.ErrorIs(t, told(autotask.ErrNotFound), autotask.ErrNotFound, "the reason stays")

	failure := told(autotask.ErrServer)
	require.ErrorIs(t, failure, autotask.ErrServer)
	assert.NotErrorAs(t, failure, &s)
	assert.NotErrorAs(t, failure, &c)
	assert.Empty(t, paused)

	require.ErrorAs(t, told(autotask.ErrUnauthorized), &s)
	assert.Equal(t, []string{"acme"}, paused)

	require.ErrorContains(t, d.do(t.Context(), "globex", nil), `does not know the tenant "globex"`)
}
