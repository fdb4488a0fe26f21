package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/changes"
	"github.com/autotask-go/autotask/limits/postgres"
)

// verdict is what becomes of a job.
type verdict int

const (
	finish     verdict = iota // it is done
	snooze                    // it is tried again after a time, which counts as no failure
	cancel                    // it never would succeed
	retry                     // it is tried again by River's back-off, ten times at most
	pauseQueue                // no job of the tenant would succeed, until somebody has seen to it
)

// How long a job waits if the error does not say, and for the database.
const (
	unknownWait = 30 * time.Second
	storeWait   = 5 * time.Second
)

// judge says what becomes of a job whose work ended with an error, and after what
// time. The order matters, since an error may match several: a write that may still
// land outranks all.
func judge(err error) (verdict, time.Duration) {
	switch {
	case err == nil:
		return finish, 0
	case errors.Is(err, autotask.ErrOutcomeUnknown), errors.Is(err, autotask.ErrRateLimited): // ErrThreadLimit, too
		return snooze, waitOf(err)
	case errors.Is(err, postgres.ErrStore): // nothing was sent, since the database did not answer
		return snooze, storeWait
	case errors.Is(err, autotask.ErrUnauthorized): // each further try may lock the account
		return pauseQueue, unknownWait
	case errors.Is(err, context.Canceled): // the worker was told to stop, or has lost its place on an endpoint
		return snooze, time.Second
	case errors.Is(err, autotask.ErrInvalid), errors.Is(err, autotask.ErrNotFound), errors.Is(err, autotask.ErrPermission),
		errors.Is(err, autotask.ErrUnsupported), errors.Is(err, autotask.ErrMissingField), errors.Is(err, autotask.ErrAmbiguous),
		errors.Is(err, autotask.ErrReadOnly), errors.Is(err, changes.ErrMissing), errors.Is(err, changes.ErrNewerState):
		return cancel, 0
	}
	return retry, 0 // ErrServer, ErrNotApplied, ErrNotStarted, and what is not the library's
}

// waitOf is the error's RetryAfter, and up to a tenth more, so that not all jobs of a
// tenant come back in the same second.
func waitOf(err error) time.Duration {
	wait := unknownWait
	var e *autotask.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		wait = e.RetryAfter
	}
	return wait + rand.N(wait/10+1) //nolint:gosec // the jitter needs no secret randomness
}

// desk does the jobs of all kinds.
type desk struct {
	tenants map[string]place
	feeds   *feeds
	pause   func(ctx context.Context, queue string) error
	warn    func(text string, args ...any)
}

// place is where the jobs of a tenant are done.
type place struct {
	client *autotask.Client
	locker autotask.Locker // keeps two workers from one alert; nil: alert.Upsert repairs what they do
}

// do does a job of a tenant and tells River, through the error, what becomes of it.
func (d *desk) do(ctx context.Context, tenant string, work func(context.Context, place) error) error {
	p, known := d.tenants[tenant]
	if !known {
		return fmt.Errorf("this worker does not know the tenant %q", tenant)
	}
	err := work(ctx, p)
	var own *river.JobSnoozeError
	if errors.As(err, &own) {
		return err
	}
	v, wait := judge(err)
	switch v {
	case snooze:
		if errors.Is(err, autotask.ErrOutcomeUnknown) {
			d.warn("tenant "+tenant+": a write may still be carried out", "wait", wait, "error", err)
		}
		return river.JobSnooze(wait)
	case cancel:
		return river.JobCancel(err)
	case pauseQueue:
		d.warn("tenant "+tenant+": the queue is paused", "error", err)
		if err := d.pause(ctx, tenant); err != nil {
			return err
		}
		return river.JobSnooze(wait)
	case finish, retry:
	}
	return err
}

type resolver struct {
	river.WorkerDefaults[ResolveArgs]
	*desk
}

// Work implements river.Worker. The job's creation and key outlive the worker, so that
// a repeat by another one finds the note of this one.
func (r *resolver) Work(ctx context.Context, job *river.Job[ResolveArgs]) error {
	return r.do(ctx, job.Args.Tenant, func(ctx context.Context, p place) (err error) {
		a := job.Args
		if a.TicketNumber != "" {
			if a.TicketID, err = p.client.Tickets.IDByNumber(ctx, a.TicketNumber); err != nil {
				return err
			}
		}
		work := autotask.Resolution{Text: a.Text, Status: a.Status, Ref: a.Key, StartedAt: job.CreatedAt}
		if a.NoteTitle != "" {
			work.Note = &autotask.TicketNote{Title: a.NoteTitle, Description: a.Note, NoteType: a.NoteType, Publish: a.Publish}
		}
		_, err = p.client.Resolve(ctx, a.TicketID, work)
		return err
	})
}

type reporter struct {
	river.WorkerDefaults[AlertArgs]
	*desk
}

// Work implements river.Worker.
func (r *reporter) Work(ctx context.Context, job *river.Job[AlertArgs]) error {
	return r.do(ctx, job.Args.Tenant, func(ctx context.Context, p place) error {
		a := job.Args
		if a.At.IsZero() {
			a.At = job.CreatedAt
		}
		_, err := alert.Upsert(ctx, p.client, alert.Alert{
			CompanyID: a.CompanyID, Key: a.Key, Event: a.Event, At: a.At, Title: a.Title, Text: a.Text, Severity: a.Severity,
			Ticket: func(t *autotask.Ticket) { t.Priority = a.Priority },
			Note:   autotask.TicketNote{NoteType: a.NoteType, Publish: a.Publish},
		}, alert.Policy{Locker: p.locker})
		return err
	})
}

type follower struct {
	river.WorkerDefaults[ChangesArgs]
	*desk
}

// runBudget bounds the requests of one run of a feed, and so its time: the first
// reading of a big tenant must not be taken for a job that is stuck.
const runBudget = 200

// Work implements river.Worker. A run that its budget has ended goes on after the
// tenant's other jobs.
func (f *follower) Work(ctx context.Context, job *river.Job[ChangesArgs]) error {
	return f.do(ctx, job.Args.Tenant, func(ctx context.Context, p place) error {
		caughtUp, err := f.feeds.run(ctx, p.client, job.Args.Tenant, job.Args.Collections)
		if err == nil && !caughtUp {
			return river.JobSnooze(time.Second)
		}
		return err
	})
}
