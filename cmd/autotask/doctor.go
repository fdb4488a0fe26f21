package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

// verdict is how a check of doctor ended.
type verdict string

const (
	good    verdict = "ok"
	warn    verdict = "warn"
	bad     verdict = "FAIL"
	unknown verdict = "?"    // the API does not tell
	skipped verdict = "skip" // an earlier check failed
)

// finding is the result of one check.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Detail  string  `json:"detail"`
	Todo    string  `json:"todo,omitzero"` // what to do about it
}

// visit is a doctor at work.
type visit struct {
	*app

	client   *autotask.Client
	from     string
	probe    probe
	requests *counter
	began    time.Time
	first    *autotask.Threshold
	entities map[string]*autotask.EntityInfo
	worst    error // the first failure's error, for the exit code
	failed   int
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check credentials, rights, limits and settings of a tenant",
		Long: "doctor checks the zone and the credentials, the rights on the entities that matter, the request budget, the clock, webhooks, the deletion log and duplicate handling. " +
			"It prints one line for each check, and what to do about each that is not ok. It reads only, with about 45 requests.\n\n" +
			"The exit code is 1 if a check failed, and 7 if the login was refused. A warning does not change it, and neither does \"?\", which the API does not tell.",
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

func (a *app) doctor(ctx context.Context) error {
	t, err := a.tenant()
	if err != nil {
		return err
	}
	v := &visit{app: a, from: t.from, requests: &counter{}, entities: make(map[string]*autotask.EntityInfo)}
	v.client, err = a.connect(t, autotask.WithReadOnly(), autotask.WithMiddleware(v.requests.wrap), autotask.WithMiddleware(v.probe.wrap))
	if err != nil {
		return err
	}
	if err := v.login(ctx); err != nil {
		return err
	}
	if v.failed == 0 {
		if err := v.all(ctx); err != nil {
			return err
		}
	}
	switch {
	case v.failed == 0:
		return nil
	case v.worst != nil && codeOf(ctx, v.worst) != exitFailed && v.first == nil:
		return codeError{errors.New("the login failed"), codeOf(ctx, v.worst)}
	}
	return codeError{errors.New(english.Plural(v.failed, "check failed", "checks failed")), exitFailed}
}

// login checks what everything else depends on: the zone and the credentials.
func (v *visit) login(ctx context.Context) error {
	if err := v.say1(finding{"credentials", good, "complete, from " + v.from, ""}); err != nil {
		return err
	}
	v.began = v.now()
	threshold, err := v.client.Threshold(ctx)
	if ctx.Err() != nil {
		return err
	}
	host := v.probe.host()
	if err != nil {
		v.worst = err
		if err := v.say1(v.loginFailed(err, host)); err != nil {
			return err
		}
		return v.say1(finding{"the rest", skipped, "it needs a login", ""})
	}
	v.first = threshold
	if err := v.say1(finding{"zone", good, host, ""}); err != nil {
		return err
	}
	return v.say1(finding{"login", good, "accepted", ""})
}

func (v *visit) loginFailed(err error, host string) finding {
	text := short(err)
	switch {
	case errors.Is(err, autotask.ErrUnauthorized):
		return finding{"login", bad, "refused by " + host + ": " + text,
			"Check the secret and the integration code of the API user, and that the user is active and not locked. Do not repeat it in a loop: Autotask locks accounts."}
	case errors.Is(err, autotask.ErrRateLimited):
		return finding{"budget", bad, text, "The tenant's requests of this hour are used up. Wait, and find out which integration uses them."}
	case errors.Is(err, autotask.ErrServer):
		return finding{"zone", bad, text, "Check the network, the proxy and " + varBaseURL + "; without it the zone is looked up by the user name."}
	}
	return finding{"zone", bad, text, "Check the user name, by which the zone is looked up, and " + varBaseURL + ", which must be https://…/ATServicesRest/V1.0."}
}

// say1 prints a finding.
func (v *visit) say1(f finding) error {
	if f.Verdict == bad {
		v.failed++
	}
	if v.json {
		if err := v.object(f); err != nil {
			return err
		}
		return v.out.Flush()
	}
	const checks, verdicts = 24, 6
	prefix, indent := pad(string(f.Verdict), verdicts)+pad(f.Check, checks)+" ", strings.Repeat(" ", verdicts+checks+1)
	columns := v.columns()
	if columns > 0 && columns < 60 {
		prefix, indent = pad(string(f.Verdict), verdicts)+f.Check+": ", strings.Repeat(" ", verdicts)
	}
	lines := wrapAfter(prefix, indent, strings.Fields(clean(f.Detail)), columns)
	if columns <= 0 {
		lines = []string{prefix + clean(f.Detail)}
	}
	if f.Todo != "" {
		todo := wrapAfter(indent+"-> ", indent+"   ", strings.Fields(clean(f.Todo)), columns)
		lines = append(lines, todo...)
	}
	for _, line := range lines {
		if err := v.printf("%s\n", strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return v.out.Flush()
}

// short is an error without the name of the library.
func short(err error) string { return strings.TrimPrefix(err.Error(), "autotask: ") }

// probe notes the server's clock, as the answers show it.
type probe struct {
	mu     sync.Mutex
	server string // its origin
	base   string // the address of the API there
	// ahead is how far Autotask's clock is ahead of this one, within margin.
	ahead, margin time.Duration
	dated         bool
	answered      bool
}

func (p *probe) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		began := time.Now()
		resp, err := next.RoundTrip(req)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !strings.HasSuffix(req.URL.Path, "zoneInformation") {
			p.server = req.URL.Scheme + "://" + req.URL.Host
			if above, _, ok := strings.Cut(req.URL.Path, "/V1.0"); ok {
				p.base = p.server + above + "/V1.0"
			}
		}
		if err != nil {
			return resp, err
		}
		p.answered = true
		took := time.Since(began)
		date, dateErr := http.ParseTime(resp.Header.Get("Date"))
		// The header has whole seconds. Of several answers the fastest says the most.
		if margin := took/2 + 500*time.Millisecond; dateErr == nil && (!p.dated || margin < p.margin) {
			p.dated, p.margin = true, margin
			p.ahead = date.Add(500 * time.Millisecond).Sub(began.Add(took / 2))
		}
		return resp, nil
	})
}

func (p *probe) host() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == "" {
		return "the zone"
	}
	return p.server
}
