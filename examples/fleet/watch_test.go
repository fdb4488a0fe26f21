package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/examples/internal/progress"
)

func TestTheLineFits(t *testing.T) {
	t.Parallel()
	s := state{all: 2000, over: 1412, running: 134, left: 588}
	for columns, want := range map[int]string{
		80: "12:30  1,412 of 2,000 jobs over, 134 in hand, 2 a second",
		50: "12:30  1,412 of 2,000 jobs over, 134 in hand",
		40: "12:30  1,412 of 2,000 jobs over",
		20: "12:30 1412/2000",
	} {
		var b bytes.Buffer
		w := &watch{line: progress.New(&b), begun: time.Now().Add(-750 * time.Second)}
		w.line.Terminal, w.line.Columns = true, func() int { return columns }
		w.show(s)
		assert.Equal(t, "\r"+want, b.String())
		assert.Less(t, utf8.RuneCountInString(want), columns)
	}
}

func TestPlainLinesAreFew(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := newWatch(nil, &b)
	for range 100 {
		w.show(state{all: 10, over: 5, left: 5})
	}
	assert.Equal(t, 1, strings.Count(b.String(), "\n"))
}

func TestFailuresAreListed(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	jobs := make([]*rivertype.JobRow, maxFailures+5)
	for i := range jobs {
		jobs[i] = &rivertype.JobRow{ID: int64(i), Kind: "resolve", Queue: "acme", Attempt: 10, State: rivertype.JobStateDiscarded}
	}
	jobs[0].Errors = []rivertype.AttemptError{{Error: "first"}, {Error: "last"}}
	printFailures(&b, jobs, state{paused: []string{"globex"}})
	assert.Contains(t, b.String(), "discarded: job 0, resolve of acme, try 10: last\n")
	assert.Contains(t, b.String(), "… and 5 more\n")
	assert.Contains(t, b.String(), "paused: the queue of globex")
	assert.Equal(t, maxFailures+2, strings.Count(b.String(), "\n"))
}

// Workers that cannot work are not started for ever, and why is told.
func TestWorkersThatDie(t *testing.T) {
	t.Parallel()
	_, e := openSQLite(t)
	fakes := seedAll(1, 5, 0)
	t.Cleanup(func() { closeAll(fakes) })
	_, err := e.insert(t.Context(), jobsOf(fakes))
	require.NoError(t, err)
	var out text
	c, err := hire(1, settings{Database: database{Name: "sqlite:/nowhere/fleet.db"}, Tenants: []tenant{fakes[0].tenant}, PerTenant: 1}, false, &out)
	require.NoError(t, err)
	_, err = newWatch(e, &out).untilDone(t.Context(), c.failed)
	c.dismiss()
	require.ErrorIs(t, err, errBroken)
	err = c.explain(err)
	require.ErrorContains(t, err, "the workers die by themselves")
	require.ErrorContains(t, err, "unable to open database file")
	assert.NotContains(t, err.Error(), string(fakes[0].tenant.Secret))
	assert.Equal(t, errors.ErrUnsupported, c.explain(errors.ErrUnsupported))
}
