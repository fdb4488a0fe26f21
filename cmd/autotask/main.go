// Autotask is a command for the Autotask PSA REST API: it checks a tenant, reads and
// counts rows, resolves tickets, reports alerts, and copies changes into files and
// databases.
//
//	go install github.com/autotask-go/autotask/cmd/autotask@latest
//	autotask -demo doctor       # on a fake tenant; needs nothing
//	autotask -demo query Tickets status eq New
//
// The README has its commands, exit codes and where it reads credentials.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patience is how long the program may take to end before it says why it goes on.
const patience = time.Second

func main() {
	// A pipe whose reader has gone is an error of the write, so that what was begun is
	// tidied up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		got := <-signals
		signal.Stop(signals) // a second one ends the program at once
		cancel(interruptedBy(got))
		time.AfterFunc(patience, func() {
			fmt.Fprintln(os.Stderr, "autotask: finishing what was begun; Ctrl-C again ends the program at once")
		})
	}()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	cancel(nil)
	os.Exit(code)
}
