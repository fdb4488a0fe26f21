package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

const filterHelp = "A filter is field op value, and several must all hold; `or` between them begins an alternative. " +
	"The value of a picklist field is an id or a label. Times are 2026-11-27, 2026-11-27T08:00:00Z, or -24h and -7d for a time ago; without a zone they are UTC. " +
	"User-defined fields are udf:NAME. The operators are "

// readOptions are the flags of commands that print rows.
type readOptions struct {
	fields []string
	csv    bool
	labels bool
	limit  int
}

func (o *readOptions) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&o.fields, "fields", nil, "the `names` of the fields to print, with commas between them; user-defined ones are udf:NAME")
	flags.BoolVar(&o.csv, "csv", false, "print CSV")
	flags.BoolVar(&o.labels, "labels", false, "add the labels of picklist values to CSV and JSON, as in status_label")
}

// collections are completed by shells; every other collection can be named, too.
var collections = []string{
	"BillingCodes", "Companies", "ConfigurationItems", "Contacts", "Contracts", "Opportunities", "Products", "Projects", "Resources", "Roles",
	"Tasks", "TicketNotes", "Tickets", "TimeEntries",
}

func completeCollections(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return collections, cobra.ShellCompDirectiveNoFileComp
}

// collectionName returns the name of a well-known collection for one in another
// casing or in the singular, and any other name as it is.
func collectionName(name string) string {
	for _, known := range collections {
		for _, form := range []string{known, strings.TrimSuffix(known, "s"), strings.TrimSuffix(known, "ies") + "y"} {
			if strings.EqualFold(form, name) {
				return known
			}
		}
	}
	return name
}

func (a *app) getCommand() *cobra.Command {
	var o readOptions
	cmd := &cobra.Command{
		Use:   "get COLLECTION ID...",
		Short: "Print rows by their ids",
		Long:  "get prints rows by their ids, tickets also by their numbers, without the fields that are empty. If one is not found, the others are printed all the same.",
		Example: "autotask get Tickets T20261127.0001\n" +
			"autotask get Companies 0 175 -fields companyName,phone -csv",
		Args:              atLeast(2, "a collection and at least one id"),
		ValidArgsFunction: completeCollections,
	}
	o.add(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.get(cmd, args, o) }
	return cmd
}

func (a *app) get(cmd *cobra.Command, args []string, o readOptions) error {
	ctx := cmd.Context()
	client, err := a.reader()
	if err != nil {
		return err
	}
	name := collectionName(args[0])
	for _, arg := range args[1:] {
		if _, ok := asID(arg); !ok && name != "Tickets" {
			return usagef("%q is not an id", arg)
		}
	}
	s, err := a.shapeOf(ctx, client, name)
	if err != nil {
		return err
	}
	p, err := a.newPrinter(ctx, client, s, o)
	if err != nil {
		return err
	}
	var missing []error
	for i, arg := range args[1:] {
		r, err := a.row(cmd, client, s.collection, arg)
		if errors.Is(err, autotask.ErrNotFound) {
			missing = append(missing, err)
			continue
		}
		if err == nil {
			err = a.printGot(p, r, i)
		}
		if err != nil {
			return errors.Join(err, p.end())
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	switch len(missing) {
	case 0:
		return nil
	case len(args) - 1:
		return missing[0]
	}
	for _, err := range missing {
		a.say("%s", strings.TrimPrefix(err.Error(), "autotask: "))
	}
	return codeError{errors.New(english.Plural(len(missing), "row was not found", "rows were not found")), exitPartial}
}

func (a *app) row(cmd *cobra.Command, client *autotask.Client, collection, arg string) (*autotask.Row, error) {
	id, ok := asID(arg)
	if !ok {
		var err error
		if id, err = client.Tickets.IDByNumber(cmd.Context(), arg); err != nil {
			return nil, err
		}
	}
	return client.Collection(collection).Get(cmd.Context(), id)
}

// printGot prints a row on its own: one field in a line, since there is room.
func (a *app) printGot(p *printer, r *autotask.Row, i int) error {
	if p.csv || a.json {
		return p.row(r)
	}
	values, err := membersOf(r.JSON)
	if err != nil {
		return err
	}
	labels, err := p.labelsOf(r)
	if err != nil {
		return err
	}
	names := p.fields
	if len(names) == 0 {
		for _, f := range p.shape.fields {
			names = append(names, f.Name)
		}
		udfs, err := udfsOf(values["userdefinedfields"])
		if err != nil {
			return err
		}
		for _, u := range udfs {
			names = append(names, udfPrefix+u.Name)
		}
	}
	var fields [][2]string
	for _, name := range withID(names) {
		text := cell(values[strings.ToLower(name)])
		if labels[name] != "" {
			text += " (" + labels[name] + ")"
		}
		if text != "" {
			fields = append(fields, [2]string{name, text})
		}
	}
	if i > 0 {
		if err := a.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return writeFields(a.out, fields, a.columns())
}

func (a *app) queryCommand() *cobra.Command {
	var o readOptions
	cmd := &cobra.Command{
		Use:   "query COLLECTION [FIELD OP VALUE]...",
		Short: "Print the rows that match a filter",
		Long: "query prints the rows that match a filter, by ascending id: as a table, with -csv as CSV, with -json as Autotask sent them, one in a line. " +
			filterHelp + operatorNames() + ".",
		Example: "autotask query Tickets status eq New priority eq High -fields id,title,status\n" +
			"autotask query Tickets lastActivityDate gte -24h -json | jq .title\n" +
			"autotask query Companies isActive eq true or companyName beginsWith Acme -csv",
		Args:              atLeast(1, "a collection, and the filter, if any"),
		ValidArgsFunction: completeCollections,
	}
	o.add(cmd.Flags())
	cmd.Flags().IntVar(&o.limit, "limit", 0, "the most `rows` to print; 0 is all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.query(cmd, args, o) }
	return cmd
}

func (a *app) query(cmd *cobra.Command, args []string, o readOptions) error {
	ctx := cmd.Context()
	if o.limit < 0 {
		return usagef("-limit must not be negative")
	}
	client, err := a.reader()
	if err != nil {
		return err
	}
	s, filter, err := a.shapeAndFilter(cmd, client, args)
	if err != nil {
		return err
	}
	p, err := a.newPrinter(ctx, client, s, o)
	if err != nil {
		return err
	}
	progress := a.newProgress()
	defer progress.clear()
	n := 0
	for page, err := range client.Collection(s.collection).Pages(ctx, autotask.Query{Filter: filter, Fields: p.include(), Limit: o.limit, Prefetch: true}) {
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			if err := p.row(r); err != nil {
				return err
			}
		}
		if n += len(page.Items); p.table != nil {
			progress.show("%s", english.Plural(n, "row", "rows"))
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	progress.clear()
	if err := p.end(); err != nil {
		return err
	}
	if n == 0 && !a.json {
		a.say("No rows match.")
	}
	return nil
}

func (a *app) shapeAndFilter(cmd *cobra.Command, client *autotask.Client, args []string) (*shape, autotask.Filter, error) {
	s, err := a.shapeOf(cmd.Context(), client, args[0])
	if err != nil {
		return nil, autotask.Filter{}, err
	}
	if err := s.readUDFs(cmd.Context(), client, args[1:]); err != nil {
		return nil, autotask.Filter{}, err
	}
	f, err := s.filter(args[1:])
	return s, f, err
}

func (a *app) countCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "count COLLECTION [FIELD OP VALUE]...",
		Short:             "Count the rows that match a filter",
		Long:              "count prints how many rows match a filter. " + filterHelp + operatorNames() + ".",
		Example:           "autotask count Tickets status eq New createDate gte -7d",
		Args:              atLeast(1, "a collection, and the filter, if any"),
		ValidArgsFunction: completeCollections,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.reader()
			if err != nil {
				return err
			}
			s, filter, err := a.shapeAndFilter(cmd, client, args)
			if err != nil {
				return err
			}
			n, err := client.Collection(s.collection).Count(cmd.Context(), autotask.Query{Filter: filter})
			if err != nil {
				return err
			}
			if a.json {
				return a.object(struct {
					Collection string `json:"collection"`
					Count      int64  `json:"count"`
				}{s.collection, n})
			}
			return a.printf("%d\n", n)
		},
	}
}
