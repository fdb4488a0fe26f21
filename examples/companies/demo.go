package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/english"
)

// demonstrate lists, searches and changes companies of a fake tenant.
func demonstrate(ctx context.Context, stdout, stderr io.Writer) error {
	fmt.Fprintln(stdout, "No AUTOTASK_* variables: running on an embedded fake tenant. Nothing leaves this machine.")
	srv := autotasktest.Start()
	defer srv.Close()
	acme := found(srv)
	client := srv.Client(application)

	fmt.Fprintln(stdout, "\nAll active companies")
	some := &head{w: stdout, lines: 5}
	if err := list(ctx, client, named(""), some, newReading(stderr)); err != nil {
		return err
	}
	some.end()
	sent(srv, stdout)

	fmt.Fprintln(stdout, "\nThose with \"acme\" in their names")
	if err := list(ctx, client, named("acme"), stdout, newReading(stderr)); err != nil {
		return err
	}
	sent(srv, stdout)

	for _, dryRun := range []bool{true, false} {
		fmt.Fprintf(stdout, "\nAnother phone number for company %d%s\n", acme, map[bool]string{true: ", as a dry run"}[dryRun])
		if err := changePhone(ctx, client, acme, "+49 30 901820", dryRun, stdout); err != nil {
			return err
		}
		sent(srv, stdout)
	}
	return nil
}

// found seeds companies, and returns the id of one of them.
func found(srv *autotasktest.Server) int64 {
	for i := range 1198 {
		srv.Seed("Companies", map[string]any{
			"companyName": fmt.Sprintf("Customer %04d Ltd", i+1), "phone": fmt.Sprintf("030 555 %04d", i),
			"city": "Berlin", "webAddress": nil, "isActive": true,
		})
	}
	acme := srv.Seed("Companies", map[string]any{"companyName": "ACME Rockets GmbH", "phone": "030 901820", "city": "Berlin", "webAddress": "https://acme.example", "isActive": true})
	srv.Seed("Companies", map[string]any{"companyName": "Pacmedia AG", "phone": "040 555 1", "city": "Hamburg", "webAddress": nil, "isActive": true})
	return acme
}

// sent prints the requests since its last call.
func sent(srv *autotasktest.Server, stdout io.Writer) {
	var ops []string
	for _, r := range srv.Requests() {
		ops = append(ops, r.Op)
	}
	srv.ResetRequests()
	fmt.Fprintf(stdout, "    sent: %s\n", strings.Join(ops, ", "))
}

// head writes the first lines and counts the others.
type head struct {
	w     io.Writer
	lines int
	more  int
}

func (h *head) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if h.lines == 0 {
			h.more += bytes.Count(line, []byte("\n"))
			continue
		}
		if _, err := h.w.Write(line); err != nil {
			return 0, err
		}
		h.lines -= bytes.Count(line, []byte("\n"))
	}
	return len(p), nil
}

func (h *head) end() { fmt.Fprintf(h.w, "     and %s more\n", english.Thousands(h.more)) }
