package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/autotasktest"
)

// eachCommand calls do with every command.
func eachCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, c := range cmd.Commands() {
		eachCommand(c, do)
	}
}

// secretName matches names of flags that might take a secret.
var secretName = regexp.MustCompile(`(?i)secret|pass|token|key|credential|auth|api|login|cookie|integration|code|user|dsn|url`)

// reviewedFlags have such a name, and take no secret.
var reviewedFlags = map[string]string{
	"credentials": "it names a file, or the standard input",
	"key":         "the caller's own name of a problem, which the ticket shows",
}

// Arguments show in the list of processes and in the history of shells: no flag takes
// a secret.
func TestNoFlagTakesASecret(t *testing.T) {
	t.Parallel()
	n, seen := 0, make(map[string]bool)
	eachCommand((&app{world: &world{}}).root(), func(c *cobra.Command) {
		c.InheritedFlags() // merges them
		c.Flags().VisitAll(func(f *pflag.Flag) {
			n++
			for _, name := range []string{f.Name, f.Shorthand} {
				if secretName.MatchString(name) {
					seen[name] = true
					assert.Contains(t, reviewedFlags, name, "%s: review this flag", c.CommandPath())
				}
			}
		})
	})
	for name := range reviewedFlags {
		assert.True(t, seen[name], "there is no flag -%s any more", name)
	}
	for _, name := range []string{"secret", "Password", "api-token", "auth", "integration-code", "username", "private-key", "database-url"} {
		assert.Regexp(t, secretName, name)
	}
	assert.Greater(t, n, 60)
	for _, flag := range []string{"-secret", "-username", "-integration-code", "-password"} {
		r := setting{}.want(t, exitUsage, "-demo", "doctor", flag, "hunter2")
		assert.NotContains(t, r.stdout+r.stderr, "hunter2")
	}
}

// Whatever happens, nothing that is printed has a secret in it.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, prepare := range map[string]func(*autotasktest.Server, setting){
		"all is well": func(*autotasktest.Server, setting) {},
		"refused":     func(_ *autotasktest.Server, s setting) { s.env[varSecret] = "wrong horse 4711" },
		"moved":       func(srv *autotasktest.Server, _ setting) { srv.MoveZone() },
		"broken": func(srv *autotasktest.Server, _ setting) {
			srv.Inject(autotasktest.Fault{Status: http.StatusNotFound, Body: "<html>no</html>", Times: -1})
		},
		"wrong place":  func(_ *autotasktest.Server, s setting) { s.env[varBaseURL] += "/wrong" },
		"control code": func(_ *autotasktest.Server, s setting) { s.env[varSecret] += "\n" },
	} {
		srv, number, _ := shop(t)
		s := on(srv)
		prepare(srv, s)
		for _, args := range [][]string{
			{"doctor"}, {"doctor", "-json"}, {"get", "Tickets", number}, {"query", "Tickets", "-json"}, {"count", "Tickets"}, {"fields", "Tickets"},
			{"picklist", "Tickets", "status"}, {"statuses"}, {"open", number}, {"resolve", number, "-text", "done"}, {"verify"},
			{"alert", "-company-id", "0", "-key", "k", "-event", "e", "-title", "t", "-set", "priority=1", "-note-type", "1", "-publish", "1"},
			{"clear", "-company-id", "0", "-key", "k"}, {"changes", "-to", "jsonl", "-collections", "Roles"},
			{"changes", "-to", "sqlite:" + filepath.Join(dir, "secret.db"), "-collections", "Roles"},
		} {
			r := s.run(t.Context(), append(args, "-verbose")...)
			for _, secret := range []string{s.env[varUser], strings.TrimSpace(s.env[varSecret]), s.env[varCode], srv.Credentials().Secret} {
				assert.NotContains(t, r.stdout+r.stderr, secret, "%s: %v", name, args)
			}
		}
	}
}
