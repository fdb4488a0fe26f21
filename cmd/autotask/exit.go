package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/autotask-go/autotask"
)

// Exit codes. They are documented in exitCodes and in the README; a test compares the
// two.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnknown     = 4
	exitRateLimited = 5
	exitPartial     = 6
	exitRefused     = 7
	exitServer      = 8
	exitInterrupted = 130 // as in shells: 128 plus the number of the signal
	exitPipe        = 141
	exitTerminated  = 143
)

// exitCode is one exit code and what it means.
type exitCode struct {
	code    int
	meaning string
}

var exitCodes = []exitCode{
	{exitOK, "done"},
	{exitFailed, "failed, or a check of doctor or verify failed"},
	{exitUsage, "wrong use: flags, names, values, missing credentials; nothing was written"},
	{exitNotFound, "not found, or a name that matches several items"},
	{exitUnknown, "outcome unknown: a write was sent and its answer was lost; the message says when and how to repeat the command"},
	{exitRateLimited, "rate limited: the message says how long to wait"},
	{exitPartial, "partial: some of several items failed, the others are done"},
	{exitRefused, "credentials refused, or permission denied; do not repeat it, because Autotask locks accounts"},
	{exitServer, "Autotask failed or could not be reached, and nothing was written; repeat it"},
	{exitInterrupted, "interrupted by Ctrl-C; the message says if a write was in flight"},
	{exitPipe, "the program that read the output has ended, as in `… | head`"},
	{exitTerminated, "terminated by SIGTERM"},
}

// usageError is an error in how the program was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// codeError is an error with an exit code of its own.
type codeError struct {
	error

	code int
}

func (e codeError) Unwrap() error { return e.error }

// hintError is an error with a line that says what to do.
type hintError struct {
	error

	hint string
}

func (e hintError) Unwrap() error { return e.error }

// signalError is the cause of a context that a signal has ended.
type signalError struct{ code int }

func (e signalError) Error() string {
	if e.code == exitTerminated {
		return "terminated"
	}
	return "interrupted"
}

func interruptedBy(s os.Signal) error {
	if s == syscall.SIGTERM {
		return signalError{exitTerminated}
	}
	return signalError{exitInterrupted}
}

// codeOf returns the exit code of an error. ctx is the context of the run.
func codeOf(ctx context.Context, err error) int {
	var own codeError
	var out outputError
	var usage usageError
	var signalled signalError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &out) && (errors.Is(out, syscall.EPIPE) || errors.Is(out, io.ErrClosedPipe)):
		return exitPipe
	case errors.As(context.Cause(ctx), &signalled):
		return signalled.code
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, autotask.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(err, autotask.ErrRateLimited):
		return exitRateLimited
	case errors.Is(err, autotask.ErrUnauthorized), errors.Is(err, autotask.ErrPermission):
		return exitRefused
	case errors.Is(err, autotask.ErrNotFound), errors.Is(err, autotask.ErrAmbiguous):
		return exitNotFound
	case notSent(err):
		return exitUsage
	case errors.Is(err, autotask.ErrServer):
		return exitServer
	}
	return exitFailed
}

// notSent reports whether the library refused the call before it sent anything.
func notSent(err error) bool {
	var e *autotask.Error
	return errors.Is(err, autotask.ErrInvalid) && errors.As(err, &e) && e.StatusCode == 0
}

// explain returns what is said about an error, one string for each line; none if the
// reader of the output has gone.
func explain(err error, code int) []string {
	if code == exitPipe {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), "autotask: ")
	switch code {
	case exitInterrupted:
		text = "interrupted" + why(err, text)
	case exitTerminated:
		text = "terminated" + why(err, text)
	}
	said := []string{"autotask: " + text}
	var e *autotask.Error
	var hint hintError
	if errors.As(err, &hint) {
		said = append(said, hint.hint)
	}
	switch {
	case errors.As(err, &e) && e.RetryAfter > 0:
		said = append(said, fmt.Sprintf("Repeat it in %v.", roundUp(e.RetryAfter)))
	case code == exitUsage && !errors.As(err, &hint):
		said = append(said, "Run it with -h for help.")
	}
	return said
}

// why returns what an interruption cut short, if it is worth a word.
func why(err error, text string) string {
	var signalled signalError
	if errors.Is(err, autotask.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) && !errors.As(err, &signalled) {
		return ": " + text
	}
	return ""
}

func roundUp(d time.Duration) time.Duration {
	return cmp.Or(d.Truncate(time.Second)+time.Second, time.Second)
}
