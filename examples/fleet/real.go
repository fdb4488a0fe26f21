package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"

	"github.com/autotask-go/autotask/internal/english"
)

// perTenant is how many jobs of a tenant a process does at a time. A job has one
// request in flight, and all processes together may have three.
func perTenant(processes int) int { return max(1, places/processes) }

// settingsFor are the settings of workers for real tenants.
func settingsFor(db database, tenants []tenant, processes int) settings {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return settings{
		Database: db, Tenants: tenants, PerTenant: perTenant(processes),
		Timeout: jobTimeout, Rescue: rescue, Locks: filepath.Join(cache, "autotask-fleet"),
	}
}

// workOnly is one worker until ctx ends.
func workOnly(ctx context.Context, o options, db database, tenants []tenant, stdout, stderr io.Writer) error {
	s := settingsFor(db, tenants, usualWorkers)
	e, err := db.open(ctx, &river.Config{Logger: logTo(stderr)})
	if err != nil {
		return err
	}
	defer e.close()
	if err := e.migrate(ctx); err != nil {
		return err
	}
	stop, err := e.announceUI(ctx, o.ui, stdout, stderr)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(stdout, "Working for %d tenants\n%s\nCtrl-C lets the jobs in hand end.\n", len(tenants), db.shown())
	return s.work(ctx, logTo(stderr))
}

func (e *engine) announceUI(ctx context.Context, address string, stdout, stderr io.Writer) (stop func(), err error) {
	url, stop, err := e.serveUI(ctx, address, logTo(stderr))
	if err == nil && url != "" {
		fmt.Fprintf(stdout, "River's UI: %s\n", url)
	}
	return stop, err
}

// workAll inserts jobs, and works until no job of the fleet is left.
func workAll(ctx context.Context, o options, db database, tenants []tenant, jobs []river.InsertManyParams, stdout, stderr io.Writer) error {
	s := settingsFor(db, tenants, o.workers)
	begun := time.Now()
	e, err := db.open(ctx, &river.Config{Logger: logTo(stderr), MaxAttempts: maxAttempts})
	if err != nil {
		return err
	}
	defer e.close()
	if err := e.migrate(ctx); err != nil {
		return err
	}
	stop, err := e.announceUI(ctx, o.ui, stdout, stderr)
	if err != nil {
		return err
	}
	defer stop()
	known, err := e.insert(ctx, jobs)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s jobs inserted, %s known already\n%s\n", english.Thousands(len(jobs)-known), english.Thousands(known), db.shown())
	c, err := hire(o.workers, s, o.verbose, stderr)
	if err != nil {
		return err
	}
	last, err := newWatch(e, stderr).untilDone(ctx, c.failed)
	c.dismiss()
	if err != nil {
		return c.explain(fmt.Errorf("%w; %s of %s jobs are over, the others wait in the database", err, english.Thousands(last.over), english.Thousands(last.all)))
	}
	failures, err := e.failures(ctx, begun)
	if err != nil {
		return err
	}
	printFailures(stdout, failures, last)
	fmt.Fprintf(stdout, "fleet: %d jobs over, %d failed, %d held\n", last.over, len(failures), last.held)
	if len(failures)+last.held > 0 {
		return errors.New("some jobs were not done")
	}
	return nil
}

// explain adds why the workers are gone, if they are.
func (c *crew) explain(err error) error {
	if !errors.Is(err, errBroken) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("%w: %w", err, c.failure)
}

// insertAtOnce is how many jobs are inserted in one transaction.
const insertAtOnce = 500

// insert inserts jobs, and returns how many of them were known already. It can be
// repeated: the key of a job is unique.
func (e *engine) insert(ctx context.Context, jobs []river.InsertManyParams) (known int, err error) {
	for len(jobs) > 0 {
		n := min(insertAtOnce, len(jobs))
		results, err := e.InsertMany(ctx, jobs[:n])
		if err != nil {
			return known, err
		}
		for _, r := range results {
			if r.UniqueSkippedAsDuplicate {
				known++
			}
		}
		jobs = jobs[n:]
	}
	return known, nil
}

// quiet is the log of what needs none.
var quiet = slog.New(slog.DiscardHandler)
