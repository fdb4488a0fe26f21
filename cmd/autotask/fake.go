package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/english"
)

// fakeOptions are the flags of fake.
type fakeOptions struct {
	seed        string
	faults      []string
	latency     time.Duration
	queryLag    time.Duration
	limit, used int
	threads     int
	zoneless    bool
	duplicates  bool
	noDate      bool
}

func (a *app) fakeCommand() *cobra.Command {
	var o fakeOptions
	cmd := &cobra.Command{
		Use:   "fake",
		Short: "Run a fake tenant as a server",
		Long: "fake runs a fake tenant on a port of this machine's loopback interface, for tests of programs in any language, and prints the address and the invented credentials to use, in the form of a shell. It runs until Ctrl-C or SIGTERM, and then ends with exit code 0.\n\n" +
			"-seed names a JSON file: an object with the rows of each collection, such as {\"Tickets\": [{\"title\": \"Backup failed\"}]}, and optionally \"picklists\", such as {\"Tickets\": {\"status\": [{\"value\": 1, \"label\": \"New\"}]}}. Fields that are not given get plausible values. With -demo the tenant of -demo comes first.\n\n" +
			"-fault is an operation and what goes wrong: 'POST Tickets/Notes drop-response', 'GET Tickets status=503 times=2', 'any delay=2s times=always'. The operation is the method and the path without ids. The kinds are:\n\n" +
			"  " + strings.Join(faultKinds(), ", ") + "\n\n" +
			"A fault strikes once; times=N, times=always and skip=N change that.",
		Example: "autotask fake -seed tenant.json -fault 'PUT Tickets drop-response'\n" +
			"autotask fake -json -demo -threshold-used 9990",
		Args: exactly(0, "no arguments, only flags"),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.seed, "seed", "", "the `file` of rows; - is the standard input")
	flags.StringArrayVar(&o.faults, "fault", nil, "a `fault`; repeat it for more")
	flags.DurationVar(&o.latency, "latency", 0, "how much later each request is answered, as a `time`")
	flags.DurationVar(&o.queryLag, "query-lag", 0, "how much later queries show new rows, as a `time`")
	flags.IntVar(&o.limit, "threshold-limit", demoHour, "the `requests` that the tenant allows in an hour")
	flags.IntVar(&o.used, "threshold-used", 0, "the `requests` that are used already")
	flags.IntVar(&o.threads, "thread-limit", 3, "the `requests` in flight on an endpoint; 0 is no limit")
	flags.BoolVar(&o.zoneless, "zoneless-dates", false, "write dates without the Z")
	flags.BoolVar(&o.duplicates, "duplicate-tickets", false, "turn on Duplicate Ticket Handling")
	flags.BoolVar(&o.noDate, "no-date-header", false, "leave out the Date header")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.fake(cmd.Context(), o) }
	return cmd
}

func (a *app) fake(ctx context.Context, o fakeOptions) error {
	srv := autotasktest.Start()
	defer srv.Close()
	if a.demo {
		furnish(srv, a.fakeClock)
	}
	if o.limit < 1 || o.used < 0 || o.threads < 0 || o.latency < 0 || o.queryLag < 0 {
		return usagef("-threshold-limit must be at least 1, and the other numbers must not be negative")
	}
	if err := a.seedFile(srv, o.seed); err != nil {
		return err
	}
	srv.SetThreadLimit(o.threads)
	srv.SetZonelessDates(o.zoneless)
	srv.SetDuplicateTickets(o.duplicates)
	srv.SetDateHeader(!o.noDate)
	srv.SetQueryLag(o.queryLag)
	srv.SetLatency(o.latency)
	if !a.demo || o.limit != demoHour || o.used != 0 {
		srv.SetThreshold(o.limit, o.used)
	}
	for _, text := range o.faults {
		f, err := parseFault(text)
		if err == nil {
			err = misuse(func() { srv.Inject(f) })
		}
		if err != nil {
			return usagef("-fault %q: %w", text, err)
		}
	}
	if err := a.printFake(srv); err != nil {
		return err
	}
	a.say("A fake tenant is running. Press Ctrl-C to end it.")
	<-ctx.Done()
	if n := srv.PendingFaults(); n > 0 {
		a.say("%s did not strike as often as it should.", english.Plural(n, "fault", "faults"))
	}
	a.say("%s answered.", english.Plural(len(srv.Requests()), "request", "requests"))
	return nil
}

// printFake prints where the tenant is and how to log in to it. Its credentials are
// invented, and no secret.
func (a *app) printFake(srv *autotasktest.Server) error {
	creds := srv.Credentials()
	lines := [][2]string{
		{varBaseURL, srv.BaseURL()}, {varZoneURL, srv.ZoneURL()},
		{varUser, creds.UserName}, {varSecret, creds.Secret}, {varCode, creds.IntegrationCode},
	}
	if a.json {
		if err := a.object(struct {
			BaseURL         string `json:"baseURL"`
			ZoneURL         string `json:"zoneURL"`
			UserName        string `json:"userName"`
			Secret          string `json:"secret"`
			IntegrationCode string `json:"integrationCode"`
		}{srv.BaseURL(), srv.ZoneURL(), creds.UserName, creds.Secret, creds.IntegrationCode}); err != nil {
			return err
		}
		return a.out.Flush()
	}
	for _, l := range lines {
		if err := a.printf("export %s=%s\n", l[0], shellQuoted(l[1])); err != nil {
			return err
		}
	}
	return a.out.Flush()
}

func shellQuoted(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// misuse runs a call of the fake tenant, which panics on wrong use.
func misuse(call func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New(strings.TrimPrefix(fmt.Sprint(r), "autotasktest: "))
		}
	}()
	call()
	return nil
}

const picklistsKey = "picklists"

// seedFile seeds the rows of a file, in its order.
func (a *app) seedFile(srv *autotasktest.Server, path string) error {
	var from io.Reader
	var err error
	switch path {
	case "":
		return nil
	case "-":
		from, err = a.readStdin("-seed")
	default:
		var file *os.File
		if file, err = os.Open(path); err == nil { //nolint:gosec // the user names it
			defer func() { _ = file.Close() }()
			from = file
		}
	}
	if err == nil {
		err = seed(srv, json.NewDecoder(from))
	}
	if err != nil {
		return usagef("-seed: %w", err)
	}
	return nil
}

func seed(srv *autotasktest.Server, in *json.Decoder) error {
	in.UseNumber()
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		return errors.New("the file is not a JSON object of collections")
	}
	for in.More() {
		t, err := in.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the names of an object are strings
		if name == picklistsKey {
			err = seedPicklists(srv, in)
		} else {
			err = seedRows(srv, in, name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := in.Token(); err != nil {
		return err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

func seedRows(srv *autotasktest.Server, in *json.Decoder, collection string) error {
	var rows []map[string]any
	if err := in.Decode(&rows); err != nil {
		return err
	}
	for i, fields := range rows {
		if err := misuse(func() { srv.Seed(collection, fields) }); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

func seedPicklists(srv *autotasktest.Server, in *json.Decoder) error {
	var all map[string]map[string][]struct {
		Value    json.Number `json:"value"`
		Label    string      `json:"label"`
		Parent   json.Number `json:"parent"`
		Default  bool        `json:"default"`
		Inactive bool        `json:"inactive"`
		System   bool        `json:"system"`
	}
	if err := in.Decode(&all); err != nil {
		return err
	}
	for collection, fields := range all {
		for field, given := range fields {
			values := []autotasktest.PicklistValue{}
			for _, v := range given {
				values = append(values, autotasktest.PicklistValue{
					Value: v.Value.String(), Label: v.Label, Parent: v.Parent.String(), Default: v.Default, Inactive: v.Inactive, System: v.System,
				})
			}
			if err := misuse(func() { srv.SetPicklist(collection, field, values) }); err != nil {
				return fmt.Errorf("%s.%s: %w", collection, field, err)
			}
		}
	}
	return nil
}

// faultKind is a kind of fault as -fault names it.
type faultKind struct {
	name, value string // value names what follows "="; "" is nothing
	set         func(f *autotasktest.Fault, value string) error
}

func flagOf(set func(f *autotasktest.Fault)) func(*autotasktest.Fault, string) error {
	return func(f *autotasktest.Fault, _ string) error { set(f); return nil }
}

func durationOf(field func(f *autotasktest.Fault) *time.Duration) func(*autotasktest.Fault, string) error {
	return func(f *autotasktest.Fault, value string) (err error) {
		if *field(f), err = time.ParseDuration(value); err == nil && *field(f) < 0 {
			err = fmt.Errorf("%q is negative", value)
		}
		return err
	}
}

func numberOf(field func(f *autotasktest.Fault) *int) func(*autotasktest.Fault, string) error {
	return func(f *autotasktest.Fault, value string) (err error) {
		if *field(f), err = strconv.Atoi(value); err != nil || *field(f) < 0 {
			err = fmt.Errorf("%q is not a number", value)
		}
		return err
	}
}

var faultTable = []faultKind{
	{"drop-request", "", flagOf(func(f *autotasktest.Fault) { f.DropRequest = true })},
	{"drop-response", "", flagOf(func(f *autotasktest.Fault) { f.DropResponse = true })},
	{"hang", "", flagOf(func(f *autotasktest.Fault) { f.Hang = true })},
	{"delay", "TIME", durationOf(func(f *autotasktest.Fault) *time.Duration { return &f.Delay })},
	{"status", "N", numberOf(func(f *autotasktest.Fault) *int { return &f.Status })},
	{"retry-after", "SECONDS", func(f *autotasktest.Fault, value string) error {
		if _, err := strconv.ParseUint(value, 10, 31); err != nil {
			return fmt.Errorf("%q is not a number of seconds", value)
		}
		f.Header = http.Header{"Retry-After": {value}}
		return nil
	}},
	{"redirect", "URL", func(f *autotasktest.Fault, value string) error { f.Redirect = value; return nil }},
	{"garbage", "", flagOf(func(f *autotasktest.Fault) { f.Garbage = true })},
	{"html", "", flagOf(func(f *autotasktest.Fault) { f.HTML = true })},
	{"truncate", "", flagOf(func(f *autotasktest.Fault) { f.Truncate = true })},
	{"slow-body", "TIME", durationOf(func(f *autotasktest.Fault) *time.Duration { return &f.SlowBody })},
	{"ignore-write", "", flagOf(func(f *autotasktest.Fault) { f.IgnoreWrite = true })},
	{"revert", "", flagOf(func(f *autotasktest.Fault) { f.Revert = true })},
	{"repeat-next-page", "", flagOf(func(f *autotasktest.Fault) { f.RepeatNextPage = true })},
	{"foreign-next-page", "ORIGIN", func(f *autotasktest.Fault, value string) error { f.ForeignNextPage = value; return nil }},
	{"hide-from-queries", "N", numberOf(func(f *autotasktest.Fault) *int { return &f.HideFromQueries })},
	{"lag", "TIME", durationOf(func(f *autotasktest.Fault) *time.Duration { return &f.Lag })},
	{"apply-after", "N", numberOf(func(f *autotasktest.Fault) *int { return &f.ApplyAfter })},
	{"lands", "TIME", durationOf(func(f *autotasktest.Fault) *time.Duration { return &f.Lands })},
}

func faultKinds() (names []string) {
	for _, k := range faultTable {
		if k.value != "" {
			k.name += "=" + k.value
		}
		names = append(names, k.name)
	}
	return names
}

// parseFault reads an operation and what goes wrong with it, with blanks between them.
func parseFault(text string) (f autotasktest.Fault, err error) {
	words := strings.Fields(text)
	switch {
	case len(words) < 2:
		return f, errors.New("give an operation and a kind, such as 'PUT Tickets drop-response', or 'any hang'")
	case words[0] == "any":
		words = words[1:]
	case len(words) < 3:
		return f, errors.New("the kind of the fault is missing")
	default:
		f.Op, words = words[0]+" "+words[1], words[2:]
	}
	for _, word := range words {
		name, value, hasValue := strings.Cut(word, "=")
		if err := setFault(&f, name, value, hasValue); err != nil {
			return f, err
		}
	}
	return f, nil
}

func setFault(f *autotasktest.Fault, name, value string, hasValue bool) error {
	switch name {
	case "times":
		if f.Times = -1; value == "always" {
			return nil
		}
		return numberOf(func(f *autotasktest.Fault) *int { return &f.Times })(f, value)
	case "skip":
		return numberOf(func(f *autotasktest.Fault) *int { return &f.Skip })(f, value)
	}
	i := slices.IndexFunc(faultTable, func(k faultKind) bool { return k.name == name })
	if i < 0 {
		return fmt.Errorf("%q is not a kind of fault: use one of %s", name, strings.Join(faultKinds(), ", "))
	}
	if k := faultTable[i]; hasValue != (k.value != "") {
		if hasValue {
			return fmt.Errorf("%s has no value", name)
		}
		return fmt.Errorf("%s needs a value: %s=%s", name, name, k.value)
	}
	return faultTable[i].set(f, value)
}
