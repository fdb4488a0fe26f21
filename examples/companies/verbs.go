package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
)

// shown are the fields on a line of the list. A company has sixty, so reading only
// these makes long lists several times faster.
var shown = []string{"companyName", "phone", "city", "webAddress"}

// named returns the query for the active companies with part in their names.
func named(part string) autotask.Query {
	active := autotask.Eq("isActive", true)
	if part == "" {
		return autotask.Query{Filter: active, Fields: shown}
	}
	return autotask.Query{Filter: autotask.And(active, autotask.Contains("companyName", part)), Fields: shown}
}

// list prints the companies of a query, page by page.
func list(ctx context.Context, client *autotask.Client, q autotask.Query, stdout io.Writer, p *reading) error {
	total, err := autotask.Count[entity.Company](ctx, client, q)
	if err != nil {
		return err
	}
	p.begin(total)
	var page bytes.Buffer
	flush := func() error {
		p.Clear() // the list may be on the same terminal
		_, err := page.WriteTo(stdout)
		return err
	}
	read := int64(0)
	for company, err := range autotask.All[entity.Company](ctx, client, q) {
		if err != nil {
			return errors.Join(err, flush())
		}
		fmt.Fprintln(&page, line(company))
		if read++; read%step == 0 {
			if err := flush(); err != nil {
				return err
			}
			p.show(read)
		}
	}
	if read == 0 {
		fmt.Fprintln(&page, "There is no such company.")
	}
	return flush()
}

// show prints one company.
func show(ctx context.Context, client *autotask.Client, id int64, stdout io.Writer) error {
	company, err := autotask.Get[entity.Company](ctx, client, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, line(company))
	return err
}

// errRehearsed ends an update before anything is written.
var errRehearsed = errors.New("dry run")

// changePhone changes a company's phone number. Update reads the company, sends only
// the changed field, and reads it back.
func changePhone(ctx context.Context, client *autotask.Client, id int64, phone string, dryRun bool, stdout io.Writer) error {
	var before entity.Company
	after, err := autotask.Update(ctx, client, id, func(c *entity.Company) error {
		before = *c
		c.Phone.Set(phone)
		if dryRun {
			return errRehearsed
		}
		return nil
	})
	rehearsed := errors.Is(err, errRehearsed)
	if err != nil && !rehearsed {
		return err
	}
	fmt.Fprintln(stdout, line(&before))
	switch {
	case before.Phone == autotask.Value(phone):
		fmt.Fprintln(stdout, "  phone: unchanged; only reads were sent")
	case rehearsed:
		fmt.Fprintf(stdout, "  phone: %s → %s would be the change; only reads were sent\n", text(before.Phone), printable(phone))
	default:
		fmt.Fprintf(stdout, "  phone: %s → %s\n", text(before.Phone), text(after.Phone))
	}
	return nil
}

func line(c *entity.Company) string {
	return fmt.Sprintf("%8d  %-40s  %-20s  %-20s  %s", c.ID, text(c.CompanyName), text(c.Phone), text(c.City), text(c.WebAddress))
}

// text returns a field for display: null and absent ones are a dash.
func text(o autotask.Optional[string]) string { return printable(o.Or("")) }

// printable keeps what somebody typed into Autotask from steering the terminal.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
