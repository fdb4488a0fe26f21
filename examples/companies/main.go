// Companies lists the active companies of a tenant, searches them by name, or
// changes the phone number of one.
//
// Without AUTOTASK_* variables it does all three on an embedded fake tenant with
// 1,200 invented companies, or, with flags, what they say:
//
//	go run ./examples/companies
//	go run ./examples/companies -search acme
//
// With them it works on a real tenant:
//
//	export AUTOTASK_USERNAME=… AUTOTASK_SECRET=… AUTOTASK_INTEGRATION_CODE=…
//	go run ./examples/companies
//	go run ./examples/companies -search acme
//	go run ./examples/companies -id 174 -phone "030 901820" -dry-run
//	go run ./examples/companies -id 174 -phone "030 901820"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func main() { connect.Main("companies", companies) }

// options are the settings from the command line.
type options struct {
	search string
	id     int64
	phone  string
	dryRun bool
	given  map[string]bool // the flags that were given: 0 is an id
}

func companies(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	tenant, err := connect.FromEnvironment(getenv)
	if err != nil {
		return err
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if tenant == nil && len(args) == 0 {
		return demonstrate(ctx, stdout, stderr)
	}
	client, end, err := connected(tenant)
	if err != nil {
		return err
	}
	defer end()
	switch {
	case o.given["phone"]:
		return changePhone(ctx, client, o.id, o.phone, o.dryRun, stdout)
	case o.given["id"]:
		return show(ctx, client, o.id, stdout)
	}
	return list(ctx, client, named(o.search), stdout, newReading(stderr))
}

// connected returns a client of the tenant, or of a fake one if there is none.
func connected(tenant *connect.Tenant) (client *autotask.Client, end func(), err error) {
	if tenant == nil {
		srv := autotasktest.Start()
		found(srv)
		return srv.Client(application), srv.Close, nil
	}
	client, err = tenant.Client(application)
	return client, func() {}, err
}

var application = autotask.WithApplication("autotask-go-example-companies", "")

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{given: make(map[string]bool)}
	flags := flag.NewFlagSet("companies", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	flags.Usage = func() {}
	flags.StringVar(&o.search, "search", "", "list only companies with this `text` in their names")
	flags.Int64Var(&o.id, "id", 0, "show the company of this `id` instead of a list; 0 is the tenant's own")
	flags.StringVar(&o.phone, "phone", "", "the new phone `number` of the company that -id names")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what -phone would change, and send reads only")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		help(flags, stderr)
		return o, err
	} else if err != nil {
		return o, connect.Usage("%w", err)
	}
	flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
	switch {
	case flags.NArg() > 0:
		return o, connect.Usage("%q is not a flag: use -search %[1]q, or -id and a number", flags.Arg(0))
	case o.given["search"] && o.search == "":
		return o, connect.Usage("-search is empty: leave it out to list all active companies")
	case o.given["search"] && o.given["id"]:
		return o, connect.Usage("-search and -id exclude each other")
	case o.given["phone"] && !o.given["id"]:
		return o, connect.Usage("-phone needs the -id of one company")
	case o.given["phone"] && o.phone == "":
		return o, connect.Usage("-phone is empty: Autotask requires a number")
	case o.dryRun && !o.given["phone"]:
		return o, connect.Usage("-dry-run is for -phone: nothing else changes anything")
	}
	return o, nil
}

func help(flags *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `Usage:
  companies                          lists the active companies
  companies -search TEXT             those with TEXT in their names
  companies -id ID                   one company
  companies -id ID -phone NUMBER     changes the phone number of one company

On a real tenant with `+connect.Variables+`,
without them on an embedded fake tenant: all of it, if there are no flags.

`)
	flags.SetOutput(w)
	flags.PrintDefaults()
}
