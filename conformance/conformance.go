package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/autotask-go/autotask"
)

// Tenant is the tenant to check.
type Tenant struct {
	// Credentials are those of an API user. They are sent to the origin of
	// BaseURL only.
	Credentials autotask.Credentials

	// BaseURL is the address of the tenant's zone, such as
	// "https://webservices19.autotask.net/ATServicesRest/V1.0".
	BaseURL string

	// HTTPClient may be nil. Its Transport is used, which must not repeat requests,
	// and its Timeout; 0 is two minutes.
	HTTPClient *http.Client
}

// Options say what Run may do.
type Options struct {
	// Write allows Run to make one ticket of its own, and to change and resolve it.
	Write bool

	// CompanyID is the company of that ticket. 0 is the tenant's own company.
	CompanyID int64

	// Fields are set on that ticket when it is created, by their names in the API,
	// and kept. They are for what a tenant requires and its metadata does not tell.
	// They must not have id, companyID, title or status.
	Fields map[string]any

	// Plan is called before the first check with what will be asked, and again
	// before the first write with what will be written. Run continues when it
	// returns, unless ctx has ended.
	Plan func(string)

	// OnCheck is called with each result as it is known.
	OnCheck func(Result)
}

// Errors of Run, to be tested with errors.Is.
var (
	// ErrBudget means that too few requests are left in the tenant's hour.
	ErrBudget = errors.New("conformance: too few requests are left")

	// ErrLogin means that the tenant refused the login. Nothing was sent after
	// that, because repeated failures lock the user.
	ErrLogin = errors.New("conformance: the login was refused")

	// ErrNoAnswer means that nothing was checked, because the tenant's first answer did
	// not come.
	ErrNoAnswer = errors.New("conformance: the tenant did not answer")

	// ErrNoTicket means that writing was allowed and no ticket could be made.
	ErrNoTicket = errors.New("conformance: no ticket was made")

	// ErrTicketLeft means that Run's own ticket is not resolved, as far as is known.
	// The report has its id, unless that was lost, and a mark in its title to search
	// for.
	ErrTicketLeft = errors.New("conformance: the ticket that was made is not resolved")
)

// Run checks a tenant, one request after the other.
//
// The error says why a run was not complete. It does not count failed checks:
// see [Report.Failed]. The report is nil only if nothing was checked. If the
// run ended early, the report has what was found until then, and all other
// checks as not asked.
func Run(ctx context.Context, t Tenant, o Options) (*Report, error) {
	r, err := newRun(t, o)
	if err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	return r.play(ctx)
}

// Check is a question to a tenant.
type Check struct {
	ID       string // stable, such as "contract/2.1/item"
	Section  string // of the contract, or of docs/api-notes.md, such as "contract 2.1"
	Title    string // what holds if it passes, or what is asked
	Asks     string // what is sent
	Expects  string // what must come back; empty for a question
	Fake     string // what the tenant of package autotasktest does
	Evidence string // the class of evidence, as in docs/api-notes.md
	Question bool   // answered, not judged
	Writes   bool   // asked only with Options.Write
	Requests int    // the highest number of requests that it sends

	own bool // asked only if the run has a ticket of its own
	run func(ctx context.Context, r *run) (detail string, err error)
}

// Checks returns all checks, in the order in which they run.
func Checks() []Check {
	var all []Check
	for _, group := range [][]Check{
		addressChecks(), metadataChecks(), createChecks(), rowChecks(), queryChecks(), otherChecks(), writeChecks(), libraryChecks(),
	} {
		all = append(all, group...)
	}
	return all
}
