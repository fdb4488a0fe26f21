// Alerts turns monitoring alerts into tickets: one open ticket per alert, however
// often it is reported, and none once it is over.
//
// Without AUTOTASK_* variables it runs a storm on an embedded fake tenant:
//
//	go run ./examples/alerts
//
// With them it reads alerts from standard input, one JSON object per line:
//
//	{"company":"Acme Ltd","key":"backup/MAIL-02","event":"run-7","title":"Backup failed"}
//
// or the body of an Alertmanager webhook, or one Nagios service from the command
// line:
//
//	go run ./examples/alerts -priority 1 -note-type 1 -publish 2 < alerts.jsonl
//	go run ./examples/alerts -alertmanager … < body.json
//	go run ./examples/alerts -nagios … HOST SERVICE STATE TIME OUTPUT
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

func main() { connect.Main("alerts", from(os.Stdin)) }

// options are the settings from the command line.
type options struct {
	alertmanager, nagios        bool
	company                     string
	priority, noteType, publish int64
	resolution                  string
	policy                      alert.Policy
}

// from returns the program with its standard input.
func from(stdin io.Reader) connect.Run {
	return func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
		tenant, err := connect.FromEnvironment(getenv)
		if err != nil {
			return err
		}
		o, rest, err := parse(args, tenant != nil, stderr)
		if err != nil {
			return err
		}
		if tenant == nil {
			return demonstrate(ctx, stdout)
		}
		reports, err := read(stdin, o, rest)
		if err != nil {
			return err
		}
		client, err := tenant.Client(autotask.WithApplication("autotask-go-example-alerts", ""))
		if err != nil {
			return err
		}
		return newDesk(client, o).takeAll(ctx, reports, stdout)
	}
}

func parse(args []string, onTenant bool, stderr io.Writer) (o options, rest []string, err error) {
	flags := flag.NewFlagSet("alerts", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by connect.Exit
	flags.Usage = func() {}
	flags.BoolVar(&o.alertmanager, "alertmanager", false, "the input is the body of an Alertmanager webhook")
	flags.BoolVar(&o.nagios, "nagios", false, "read one alert from the arguments: HOST SERVICE STATE TIME OUTPUT")
	flags.StringVar(&o.company, "company", "", "the company `name`, domain or mail address for alerts without one")
	flags.Int64Var(&o.priority, "priority", 0, "a new ticket's priority, an `id` of the tenant's picklist")
	flags.Int64Var(&o.noteType, "note-type", 0, "the notes' type, an `id` of the tenant's picklist")
	flags.Int64Var(&o.publish, "publish", 0, "who sees the notes, an `id` of the tenant's picklist; there is no safe default")
	flags.StringVar(&o.resolution, "resolution", "The alert is over.", "the resolution `text` of an alert that is over")
	flags.DurationVar(&o.policy.NoteEvery, "note-every", time.Hour, "minimum time between the last activity on a ticket and a note")
	flags.DurationVar(&o.policy.Reopen, "reopen", 0, "reopen a ticket completed within this `time`; needs -reopen-status")
	flags.Int64Var(&o.policy.ReopenStatus, "reopen-status", 0, "status `id` of a reopened ticket")
	flags.IntVar(&o.policy.Storm.Keys, "storm", 10, "new tickets of a company in an hour before a storm ticket takes the rest; 0 means never")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, `Usage:
  alerts                             a storm on an embedded fake tenant, without AUTOTASK_* variables
  alerts [flags] < alerts            on a real tenant, with
                                     AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE
                                     (and AUTOTASK_BASE_URL, if the zone is not to be discovered)

`)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return o, nil, err
	} else if err != nil {
		return o, nil, connect.Usage("%w", err)
	}
	if o.policy.Storm.Keys > 0 {
		o.policy.Storm.Within = time.Hour
	}
	switch {
	case !onTenant && len(args) > 0:
		return o, nil, connect.Usage("flags and arguments are for a real tenant: set AUTOTASK_USERNAME, AUTOTASK_SECRET and AUTOTASK_INTEGRATION_CODE")
	case onTenant && (o.priority == 0 || o.noteType == 0 || o.publish == 0):
		return o, nil, connect.Usage("-priority, -note-type and -publish are ids of the tenant and have no defaults")
	case o.alertmanager && o.nagios:
		return o, nil, connect.Usage("-alertmanager and -nagios exclude each other")
	case o.nagios != (flags.NArg() > 0):
		return o, nil, connect.Usage("only -nagios accepts arguments; %d given", flags.NArg())
	}
	return o, flags.Args(), nil
}
