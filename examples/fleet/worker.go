package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

// workerVariable, if set, makes the program one worker of another process. It reads
// its settings, which hold secrets, from standard input, and stops where that ends.
const workerVariable = "FLEET_WORKER"

// settings are those of a worker.
type settings struct {
	Database  database      `json:"database"`
	Tenants   []tenant      `json:"tenants"`
	PerTenant int           `json:"perTenant"` // jobs of a tenant at a time
	Timeout   time.Duration `json:"timeout"`   // of a job
	Rescue    time.Duration `json:"rescue"`    // after which a running job is taken for one of a killed worker
	Locks     string        `json:"locks"`     // the directory of locks that this machine's processes share
}

// stopWithin is how long a worker that is told to stop lets its jobs go on.
const stopWithin = 10 * time.Second

// child is a worker process of a crew.
func child(stdin io.Reader) connect.Run {
	return func(ctx context.Context, _ []string, _ func(string) string, _, stderr io.Writer) error {
		input := bufio.NewReader(stdin)
		text, err := input.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("the settings cannot be read: %w", err)
		}
		var s settings
		if err := json.Unmarshal(text, &s); err != nil {
			return errors.New("the settings are not valid") // the error might show them
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go func() {
			_, _ = io.Copy(io.Discard, input) // until the parent closes it, or is gone
			stop()
		}()
		return s.work(ctx, logTo(stderr))
	}
}

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// work works on the queues of the tenants until ctx ends, and lets the jobs in hand
// end then.
func (s settings) work(ctx context.Context, log *slog.Logger) error {
	d := &desk{tenants: make(map[string]place), warn: log.Warn}
	queues := make(map[string]river.QueueConfig)
	for _, t := range s.Tenants {
		queues[t.Name] = river.QueueConfig{MaxWorkers: s.PerTenant}
	}
	e, err := s.Database.open(ctx, &river.Config{
		ID:                   workerID(os.Getpid()),
		Logger:               log,
		Queues:               queues,
		Workers:              d.workers(),
		JobTimeout:           s.Timeout,
		RescueStuckJobsAfter: s.Rescue,
		MaxAttempts:          maxAttempts,
		SoftStopTimeout:      stopWithin,
	})
	if err != nil {
		return err
	}
	defer e.close()
	for _, t := range s.Tenants {
		shared, err := sharedLimits(ctx, e, s.Locks, t, log)
		if err != nil {
			return err
		}
		defer shared.close()
		client, err := t.client(shared.options...)
		if err != nil {
			return err
		}
		d.tenants[t.Name] = place{client: client, locker: shared.locker}
	}
	d.feeds = &feeds{e.db}
	d.pause = func(ctx context.Context, queue string) error { return e.QueuePause(ctx, queue, nil) }
	if err := e.Start(ctx); err != nil {
		return err
	}
	<-e.Stopped()
	return nil
}

const maxAttempts = 10

// workerID is the name of a process of this machine in the database.
func workerID(pid int) string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s-%d", host, pid)
}

func (d *desk) workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, &resolver{desk: d})
	river.AddWorker(w, &reporter{desk: d})
	river.AddWorker(w, &follower{desk: d})
	return w
}
