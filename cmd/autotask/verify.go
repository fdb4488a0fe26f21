package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/conformance"
	"github.com/autotask-go/autotask/internal/english"
)

// verifying are the flags of verify.
type verifying struct {
	write     bool
	companyID int64
	set       []string
	markdown  bool
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifying
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hold a tenant to the contract and the API notes",
		Long: "verify asks a tenant everything that this library relies on, and prints a report that can be published: it has no secrets, names or texts of rows. It is Markdown, on a terminal a list, and with -json one JSON object. " +
			"It sends reads only, some of which are wrong on purpose.\n\n" +
			"With -write it makes one ticket of its own for the company -company-id, changes and resolves it, and writes nothing else. It says before what it will write. Use a sandbox.\n\n" +
			"The exit code is 1 if a check failed.",
		Example: "autotask verify > report.md\nautotask verify -write -company-id 175 -json > report.json",
		Args:    exactly(0, "no arguments, only flags"),
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.write, "write", false, "make one ticket, change and resolve it")
	flags.Int64Var(&o.companyID, "company-id", -1, "the `id` of the company of that ticket; 0 is your own")
	flags.StringArrayVar(&o.set, "set", nil, "a `field=value` that this tenant requires of a ticket; repeat it for more")
	flags.BoolVar(&o.markdown, "markdown", false, "print Markdown on a terminal, too")
	flags.Lookup("company-id").DefValue = ""
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), o) }
	return cmd
}

func (a *app) verify(ctx context.Context, o verifying) error {
	switch {
	case o.write && o.companyID < 0:
		return usagef("-write needs -company-id, the company of the ticket that is made")
	case !o.write && (o.companyID >= 0 || len(o.set) > 0):
		return usagef("-company-id and -set are for -write")
	}
	t, err := a.tenant()
	if err != nil {
		return err
	}
	options := conformance.Options{Write: o.write, CompanyID: max(o.companyID, 0)}
	if len(o.set) > 0 {
		client, err := a.connect(t, autotask.WithReadOnly())
		if err != nil {
			return err
		}
		if options.Fields, err = a.setFields(ctx, client, o.set); err != nil {
			return err
		}
	}
	base, err := a.baseURL(ctx, t)
	if err != nil {
		return err
	}
	progress := a.newProgress()
	options.Plan = func(text string) { progress.clear(); a.say("%s", strings.TrimSpace(text)) }
	asked := 0
	options.OnCheck = func(r conformance.Result) {
		asked++
		if r.Outcome == conformance.Failed {
			progress.clear()
			a.say("failed: %s, %s", r.ID, r.Title)
			return
		}
		progress.show("%s: %s", english.Plural(asked, "check", "checks"), r.ID)
	}
	place := conformance.Tenant{Credentials: t.creds, BaseURL: base}
	if t.fake != nil {
		place.HTTPClient = &http.Client{Transport: t.fake.Transport()}
	}
	report, err := conformance.Run(ctx, place, options)
	progress.clear()
	return errors.Join(a.printReport(report, o.markdown), a.verdict(report, err))
}

func (a *app) printReport(report *conformance.Report, markdown bool) error {
	switch {
	case report == nil:
		return nil
	case a.json: // in one line, like all JSON of this program
		var b bytes.Buffer
		if err := report.WriteJSON(&b); err != nil {
			return err
		}
		line := jsontext.Value(b.Bytes())
		if err := line.Compact(); err != nil {
			return err
		}
		return a.printf("%s\n", line)
	case a.columns() > 0 && !markdown:
		return a.printResults(report)
	}
	return report.WriteMarkdown(a.out)
}

// printResults prints a report for a terminal, which is too narrow for its Markdown.
func (a *app) printResults(report *conformance.Report) error {
	const outcomes = 11
	for _, r := range report.Results {
		prefix, indent := pad(string(r.Outcome), outcomes), strings.Repeat(" ", outcomes)
		lines := wrapAfter(prefix, indent, []string{r.ID}, a.columns())
		if r.Outcome == conformance.Failed || r.Outcome == conformance.Answered {
			lines = append(lines, wrapAfter(indent, indent, strings.Fields(clean(r.Title)), a.columns())...)
			lines = append(lines, wrapAfter(indent+"-> ", indent+"   ", strings.Fields(clean(r.Detail)), a.columns())...)
		}
		for _, line := range lines {
			if err := a.printf("%s\n", strings.TrimRight(line, " ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// verdict is the error that the command ends with.
func (a *app) verdict(report *conformance.Report, err error) error {
	switch {
	case errors.Is(err, conformance.ErrLogin):
		return codeError{err, exitRefused}
	case errors.Is(err, conformance.ErrBudget):
		return codeError{err, exitRateLimited}
	case errors.Is(err, conformance.ErrNoAnswer):
		return codeError{err, exitServer}
	case err != nil && report == nil:
		return usageError{err} // nothing was asked
	case err != nil:
		return err
	case report.Failed() > 0:
		return codeError{fmt.Errorf("%s of %s failed", english.Thousands(report.Failed()), english.Plural(len(report.Results), "check", "checks")), exitFailed}
	}
	a.say("%s: none failed.", english.Plural(len(report.Results), "check", "checks"))
	return nil
}

// baseURL returns the address of the tenant's zone, which is discovered if it is not
// given.
func (a *app) baseURL(ctx context.Context, t *tenant) (string, error) {
	if t.base != "" {
		return t.base, nil
	}
	var p probe
	client, err := a.connect(t, autotask.WithReadOnly(), autotask.WithMiddleware(p.wrap))
	if err != nil {
		return "", err
	}
	if err := client.Ping(ctx); err != nil {
		return "", err
	}
	return p.base, nil
}
