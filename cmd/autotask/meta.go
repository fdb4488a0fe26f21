package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/english"
)

func (a *app) fieldsCommand() *cobra.Command {
	var udf bool
	cmd := &cobra.Command{
		Use:               "fields COLLECTION",
		Short:             "List the fields of a collection",
		Long:              "fields lists the fields of a collection in this tenant, as the API user may see them.",
		Example:           "autotask fields Tickets\nautotask fields Tickets -udf -json",
		Args:              exactly(1, "a collection"),
		ValidArgsFunction: completeCollections,
	}
	cmd.Flags().BoolVar(&udf, "udf", false, "list the user-defined fields instead")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.fields(cmd.Context(), args[0], udf) }
	return cmd
}

// fieldLine is a field as it is printed.
type fieldLine struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Length    int64  `json:"length,omitzero"`
	Required  bool   `json:"required"`
	ReadOnly  bool   `json:"readOnly"`
	Queryable bool   `json:"queryable"`
	Picklist  bool   `json:"picklist"`
	Parent    string `json:"parent,omitzero"`
	Reference string `json:"reference,omitzero"`
	Label     string `json:"label,omitzero"`
}

func lineOf(f *autotask.Field, label string) fieldLine {
	return fieldLine{f.Name, f.DataType, f.MaxLength, f.Required, f.ReadOnly, f.Queryable, f.Picklist, f.PicklistParentField, f.ReferenceEntityType, label}
}

func (a *app) fields(ctx context.Context, collection string, udf bool) error {
	client, err := a.reader()
	if err != nil {
		return err
	}
	collection = collectionName(collection)
	var lines []fieldLine
	if udf {
		udfs, err := client.Metadata.UDFs(ctx, collection)
		if err != nil {
			return err
		}
		for i := range udfs {
			lines = append(lines, lineOf(&udfs[i].Field, udfs[i].Label))
		}
	} else {
		fields, err := client.Metadata.Fields(ctx, collection)
		if err != nil {
			return err
		}
		for i := range fields {
			lines = append(lines, lineOf(&fields[i], ""))
		}
	}
	t := newTable("field", "type", "kind", "refers to")
	t.columns[0].whole = true
	for _, l := range lines {
		if a.json {
			if err := a.object(l); err != nil {
				return err
			}
			continue
		}
		kind := l.Type
		if l.Length > 0 {
			kind += " " + strconv.FormatInt(l.Length, 10)
		}
		refers := l.Reference
		switch {
		case l.Picklist && l.Parent != "":
			refers = "picklist by " + l.Parent
		case l.Picklist:
			refers = "picklist"
		}
		t.add(l.Name, kind, strings.Join(kindsOf(l), ", "), refers)
	}
	if a.json {
		return nil
	}
	if len(lines) == 0 {
		a.say("%s has none.", collection)
		return nil
	}
	return a.print(t)
}

func kindsOf(l fieldLine) (kinds []string) {
	if l.Required {
		kinds = append(kinds, "required")
	}
	if l.ReadOnly {
		kinds = append(kinds, "read-only")
	}
	if !l.Queryable {
		kinds = append(kinds, "not in filters")
	}
	return kinds
}

func (a *app) picklistCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "picklist COLLECTION FIELD",
		Short:             "List the values of a picklist field",
		Long:              "picklist lists the values of a picklist field in this tenant, inactive ones included. User-defined fields are udf:NAME.",
		Example:           "autotask picklist Tickets status\nautotask picklist TicketNotes publish -json",
		Args:              exactly(2, "a collection and a field"),
		ValidArgsFunction: completeCollections,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.picklist(cmd.Context(), args[0], args[1]) },
	}
}

func (a *app) picklist(ctx context.Context, collection, field string) error {
	client, err := a.reader()
	if err != nil {
		return err
	}
	s, err := a.shapeOf(ctx, client, collection)
	if err != nil {
		return err
	}
	if err := s.readUDFs(ctx, client, []string{field}); err != nil {
		return err
	}
	f, err := s.field(field)
	if err != nil {
		return err
	}
	if !f.Picklist {
		return usagef("%s.%s is not a picklist", s.collection, f.Name)
	}
	t := newTable("value", "label", "active", "default")
	if f.PicklistParentField != "" {
		t.columns = append(t.columns, column{name: f.PicklistParentField})
	}
	for _, v := range f.PicklistValues {
		if a.json {
			err = a.object(struct {
				Value   string                   `json:"value"`
				Label   string                   `json:"label"`
				Active  bool                     `json:"active"`
				Default bool                     `json:"default"`
				System  bool                     `json:"system"`
				Parent  autotask.Optional[int64] `json:"parent,omitzero"`
			}{v.Value, v.Label, v.Active, v.Default, v.System, v.Parent})
			if err != nil {
				return err
			}
			continue
		}
		cells := []string{v.Value, v.Label, yes(v.Active), yes(v.Default)}
		if f.PicklistParentField != "" {
			cells = append(cells, v.Parent.String())
		}
		t.add(cells...)
	}
	if a.json {
		return nil
	}
	return a.print(t)
}

func (a *app) statusesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "statuses",
		Short: "Show what each ticket status does in this tenant",
		Long: "statuses counts, for each ticket status, how many tickets have it, and how many of them have the completedDate and resolvedDateTime that a resolved ticket has. " +
			"A label proves nothing: some tenants have a status \"Completed\" that does not resolve a ticket. It sends four requests at most.",
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.statuses(cmd.Context()) },
	}
}

func (a *app) statuses(ctx context.Context) error {
	client, err := a.reader()
	if err != nil {
		return err
	}
	all, err := client.Tickets.StatusSemantics(ctx)
	if err != nil {
		return err
	}
	t := newTable("value", "label", "active", "tickets", "completed", "resolved", "both timestamps")
	for _, s := range all {
		if a.json {
			err := a.object(struct {
				Status       int64             `json:"status"`
				Label        string            `json:"label"`
				Active       bool              `json:"active"`
				Tickets      int64             `json:"tickets"`
				Completed    int64             `json:"withCompletedDate"`
				Resolved     int64             `json:"withResolvedDateTime"`
				SetsEvidence autotask.Evidence `json:"setsTimestamps"`
			}{s.Status, s.Label, s.Active, s.Tickets, s.WithCompletedDate, s.WithResolvedDateTime, s.SetsTimestamps})
			if err != nil {
				return err
			}
			continue
		}
		t.add(strconv.FormatInt(s.Status, 10), s.Label, yes(s.Active), english.Thousands(s.Tickets), english.Thousands(s.WithCompletedDate),
			english.Thousands(s.WithResolvedDateTime), string(s.SetsTimestamps))
	}
	if a.json {
		return nil
	}
	return a.print(t)
}

func (a *app) openCommand() *cobra.Command {
	var browser bool
	cmd := &cobra.Command{
		Use:     "open TICKET",
		Short:   "Print the web address of a ticket, or open it",
		Long:    "open prints the address of a ticket in the web interface. A ticket is given by its number or its id.",
		Example: "autotask open T20261127.0001\nautotask open T20261127.0001 -browser",
		Args:    exactly(1, "one ticket, by its number or id"),
	}
	cmd.Flags().BoolVar(&browser, "browser", false, "open it in the browser, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := a.reader()
		if err != nil {
			return err
		}
		id, err := ticketID(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		address, err := client.TicketURL(cmd.Context(), id)
		if err != nil {
			return err
		}
		if a.json {
			err = a.object(struct {
				ID  int64  `json:"id"`
				URL string `json:"url"`
			}{id, address})
		} else {
			err = a.printf("%s\n", clean(address))
		}
		if err != nil || !browser {
			return err
		}
		return browse(cmd.Context(), address)
	}
	return cmd
}

// browse opens an address in the browser of this system.
func browse(ctx context.Context, address string) error {
	if !slices.ContainsFunc([]string{"https://", "http://"}, func(scheme string) bool { return strings.HasPrefix(address, scheme) }) {
		return usagef("%q is not the address of a web page", address)
	}
	program := []string{"xdg-open"}
	switch runtime.GOOS {
	case "darwin":
		program = []string{"open"}
	case "windows":
		program = []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	//nolint:gosec // the address is that of the tenant's zone, and no shell reads it
	cmd := exec.CommandContext(ctx, program[0], append(program[1:], address)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // a browser needs none of the credentials
		return strings.HasPrefix(v, "AUTOTASK_") || strings.HasPrefix(v, "PG") || strings.HasPrefix(v, databaseVariable)
	})
	return cmd.Run()
}
