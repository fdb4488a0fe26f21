package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/version"
	"github.com/autotask-go/autotask/internal/zone"
)

const (
	userAgent = "autotask-go-conformance/" + version.Version
	timeOut   = 2 * time.Minute
)

// run is one run: what it may do, what it has found, and what the checks share.
type run struct {
	wire    *wire
	options Options
	library *autotask.Client
	report  *Report
	err     error // why the run is not complete

	stopped  string // why nothing more is asked
	noWrites string // why nothing more is written
	lost     bool   // the answer of a write was lost: not even at the end

	fields  map[string]fieldList // metadata by collection
	samples *sampleRows
	own     *ownTicket
}

func newRun(t Tenant, o Options) (*run, error) {
	base, err := zone.CheckBase(t.BaseURL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("the base URL is not a URL")
	}
	client := http.Client{Timeout: timeOut}
	if t.HTTPClient != nil {
		client = http.Client{Transport: t.HTTPClient.Transport, Timeout: cmp.Or(t.HTTPClient.Timeout, timeOut)}
	}
	// A redirect would carry the credentials to wherever it points.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := checkFields(o.Fields); err != nil {
		return nil, err
	}
	r := &run{
		wire:    &wire{base: u, creds: t.Credentials, client: &client, headers: map[string]bool{}},
		options: o,
		fields:  map[string]fieldList{},
	}
	r.library, err = autotask.NewClient(t.Credentials,
		autotask.WithBaseURL(base), autotask.WithHTTPClient(&client), autotask.WithMaxConcurrency(1),
		autotask.WithMiddleware(r.wire.count))
	if err != nil {
		return nil, err
	}
	r.report = &Report{Library: version.Version, Zone: publicHost(u), Started: time.Now().UTC(), Wrote: o.Write}
	return r, nil
}

// checkFields keeps to the run what makes the ticket its own.
func checkFields(fields map[string]any) error {
	for name := range fields {
		for _, kept := range []string{"id", "companyID", "title", "status"} {
			if strings.EqualFold(name, kept) {
				return fmt.Errorf("Options.Fields must not have %s", kept)
			}
		}
	}
	return nil
}

var zoneHost = regexp.MustCompile(`^webservices[0-9]*\.autotask\.net$`)

// publicHost names a zone of Autotask. Another host may tell whose proxy it is.
func publicHost(u *url.URL) string {
	if zoneHost.MatchString(u.Host) {
		return u.Host
	}
	return "another address"
}

// count makes the library's requests count as the run's own, and holds them to
// the same rules.
func (w *wire) count(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		switch {
		case req.Method == http.MethodPatch || req.Method == http.MethodDelete:
			return nil, unsent(req.Method + " is never sent")
		case w.max > 0 && w.sent >= w.max:
			return nil, errSpent
		}
		w.sent++
		w.library = append(w.library, req.Method+" "+strings.Trim(digits.ReplaceAllString(strings.TrimPrefix(req.URL.Path, w.base.Path), ""), "/"))
		return next.RoundTrip(req)
	})
}

var digits = regexp.MustCompile(`/\d+`)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (r *run) play(ctx context.Context) (*Report, error) {
	if err := r.budget(ctx); err != nil {
		return nil, err
	}
	for _, c := range Checks() {
		res := r.ask(ctx, c)
		r.report.Results = append(r.report.Results, res)
		if r.options.OnCheck != nil {
			r.options.OnCheck(res)
		}
	}
	r.finish(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Requests = r.wire.sent
	r.report.Stopped = r.stopped
	return r.report, r.err
}

// ask runs one check.
func (r *run) ask(ctx context.Context, c Check) Result {
	res := Result{ID: c.ID, Section: c.Section, Title: c.Title, Evidence: c.Evidence, Outcome: NotAsked}
	if ctx.Err() != nil {
		r.stop("the run was interrupted", ctx.Err())
	}
	switch {
	case r.stopped != "":
		res.Detail = r.stopped
	case c.run == nil:
		res.Detail = c.Asks
	case c.Writes && !r.options.Write:
		res.Detail = "it writes, and writing was not allowed"
	case c.Writes && r.noWrites != "":
		res.Detail = r.noWrites
	case c.own && r.own == nil:
		res.Detail = "there is no ticket of the run's own"
	default:
		detail, err := r.try(ctx, c)
		res.Outcome, res.Detail = r.judge(c, detail, err)
	}
	return res
}

// try runs a check. A panic in one, on an answer that nobody has thought of, must
// not lose the report with the id of a ticket that was made.
func (r *run) try(ctx context.Context, c Check) (detail string, err error) {
	defer func() {
		if recover() != nil {
			detail, err = "", errPanic
			r.noWrites = "nothing is written after a check has panicked"
		}
	}()
	return c.run(ctx, r)
}

var errPanic = errors.New("panic")

// judge turns what a check returned into an outcome.
func (r *run) judge(c Check, detail string, err error) (Outcome, string) {
	var (
		wrong  mismatch
		cannot skip
		silent noAnswer
		gone   lost
	)
	switch {
	case err == nil && c.Question:
		return Answered, detail
	case err == nil:
		return Passed, detail
	case errors.As(err, &gone):
		r.lost, r.noWrites = true, "nothing is written after a write whose answer was lost"
		return Failed, string(gone)
	case errors.As(err, &wrong):
		if c.Question {
			return Answered, string(wrong)
		}
		return Failed, string(wrong)
	case errors.As(err, &cannot):
		return NotAsked, string(cannot)
	case errors.As(err, &silent):
		return Failed, string(silent)
	case errors.Is(err, ErrLogin):
		r.stop("the login was refused with 401, and repeated failures lock the user", ErrLogin)
		return Failed, r.stopped
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		r.stop("the run was interrupted", err)
		return NotAsked, r.stopped
	}
	return Failed, "the check itself failed: please report it" // err may quote the tenant
}

// stop ends the run; the first reason stands.
func (r *run) stop(reason string, err error) {
	if r.stopped == "" {
		r.stopped = reason
		r.err = errors.Join(r.err, err)
	}
}

// send is the door of all checks.
func (r *run) send(ctx context.Context, q request) (*answer, error) {
	a, err := r.wire.do(ctx, q)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusUnauthorized && !q.loose && !q.anonymous {
		return nil, ErrLogin
	}
	return a, nil
}

// budget reads the use of the hourly limit, says what will be asked, and refuses
// if too little is left. It leaves a tenth of the limit to others.
func (r *run) budget(ctx context.Context) error {
	a, err := r.send(ctx, request{method: http.MethodGet, path: "ThresholdInformation"})
	var (
		limited skip
		none    noAnswer
	)
	switch {
	case errors.As(err, &limited):
		return fmt.Errorf("%w: %w", ErrBudget, err)
	case errors.As(err, &none):
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	case errors.Is(err, ErrLogin):
		return err
	case err != nil:
		return fmt.Errorf("conformance: %w", err)
	}
	limit, okLimit := whole(a.data["externalRequestThreshold"])
	used, okUsed := whole(a.data["currentTimeframeRequestCount"])
	if a.status != http.StatusOK {
		return fmt.Errorf("%w: ThresholdInformation answered %s; are user name, integration code and zone right?", ErrLogin, a.describe())
	}
	most := r.mostRequests()
	r.wire.max = most - finishRequests
	use := "The use of the hourly limit could not be read."
	if okLimit && okUsed {
		r.report.Limit, r.report.Used = limit, used
		use = fmt.Sprintf("%d of %d requests of the hourly limit are used.", used, limit)
		if left := limit - used - limit/10; left < int64(most) {
			return fmt.Errorf("%w: the run may take %d, and %d of %d are used; a tenth is left to others", ErrBudget, most, used, limit)
		}
	}
	r.plan(r.readPlan(most, use))
	if ctx.Err() != nil {
		return fmt.Errorf("conformance: %w", ctx.Err())
	}
	return nil
}

func (r *run) mostRequests() int {
	most := 1 + spare + finishRequests
	for _, c := range Checks() {
		if !c.Writes || r.options.Write {
			most += c.Requests
		}
	}
	return most
}

func (r *run) plan(text string) {
	if r.options.Plan != nil {
		r.options.Plan(text)
	}
}

func (r *run) readPlan(most int, use string) string {
	var asked, writes int
	for _, c := range Checks() {
		switch {
		case c.run == nil:
		case c.Writes:
			writes++
		default:
			asked++
		}
	}
	lines := []string{
		fmt.Sprintf("%d checks that read, one request at a time; at most %d requests in all.", asked, most),
		use,
	}
	if r.options.Write {
		lines = append(lines, fmt.Sprintf("%d checks that write, on one new ticket of company %d.", writes, r.options.CompanyID))
	} else {
		lines = append(lines, "Nothing is written.")
	}
	return strings.Join(lines, "\n")
}
