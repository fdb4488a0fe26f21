package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

// A wrong call is told before anything is done, and never shows a password.
func TestWrongCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	good := file("good.json", `[{"name":"acme","userName":"api@acme.example","secretFrom":"S","integrationCodeFrom":"C"}]`)
	full := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(dir, "unused.db"), "S": "pass-word", "C": "CODE"}
	for name, test := range map[string]struct {
		args  []string
		env   map[string]string
		stdin string
		want  string
	}{
		"unknown flag":           {args: []string{"-frobnicate"}, want: "flag provided but not defined: -frobnicate"},
		"an argument":            {args: []string{"jobs.jsonl"}, want: `unexpected argument "jobs.jsonl": jobs come from standard input`},
		"workers of nobody":      {args: []string{"-workers-only"}, want: "name their list with -tenants"},
		"a schema of nobody":     {args: []string{"-schema", "x"}, want: "name their list with -tenants"},
		"fake jobs of real ones": {args: []string{"-tenants", good, "-kills", "2"}, want: "-jobs and -kills are for the fake tenants"},
		"one worker and many":    {args: []string{"-tenants", good, "-workers-only", "-workers", "3"}, want: "-workers-only is one worker"},
		"no workers":             {args: []string{"-workers", "0"}, want: "-workers 0 is not valid: 1 to 64"},
		"no jobs":                {args: []string{"-jobs", "3"}, want: "-jobs 3 is not valid: 20 to 100000"},
		"too many kills":         {args: []string{"-kills", "-1"}, want: "-kills -1 is not valid"},
		"the UI for all":         {args: []string{"-ui", ":8080"}, want: "loopback only"},
		"the UI for the network": {args: []string{"-ui", "192.0.2.1:8080"}, want: "loopback only"},
		"the UI nowhere":         {args: []string{"-ui", "localhost"}, want: "loopback only"},
		"one real tenant":        {env: map[string]string{"AUTOTASK_SECRET": "pass-word"}, want: "AUTOTASK_SECRET is set, but a fleet has its tenants from a file"},
		"a file of the fakes":    {env: map[string]string{"DATABASE_URL": "sqlite:x.db"}, want: "unset DATABASE_URL, or name a Postgres database"},
		"another database":       {env: map[string]string{"DATABASE_URL": "mysql://u:pass-word@h/d"}, want: "DATABASE_URL: the database is sqlite:FILE or postgres://…"},
		"a bad URL":              {env: map[string]string{"DATABASE_URL": "postgres://u:pass-word@h:port/d"}, want: "DATABASE_URL: "},
		"no database":            {args: []string{"-tenants", good}, env: map[string]string{"S": "s", "C": "c"}, want: "DATABASE_URL is missing"},
		"no file of SQLite":      {args: []string{"-tenants", good}, env: map[string]string{"DATABASE_URL": "sqlite:"}, want: "has no file"},
		"a schema like SQL":      {args: []string{"-tenants", good, "-schema", `a"; DROP`}, env: map[string]string{"DATABASE_URL": "postgres://h/d"}, want: "the schema "},
		"no list":                {args: []string{"-tenants", filepath.Join(dir, "none")}, env: full, want: "no such file"},
		"missing variables":      {args: []string{"-tenants", good}, env: map[string]string{"DATABASE_URL": "sqlite:x.db", "C": "pass-word"}, want: "the environment variable S is not set"},
		"a secret in the file": {
			args: []string{"-tenants", file("secret.json", `[{"name":"acme","secret":"pass-word"}]`)}, env: full, want: `unknown field "secret"`,
		},
		"an empty list": {args: []string{"-tenants", file("empty.json", `[]`)}, env: full, want: "names no tenant"},
		"two lists":     {args: []string{"-tenants", file("two.json", `[{"name":"acme"}] []`)}, env: full, want: "there is more behind the array"},
		"all that is wrong with a list": {
			args: []string{"-tenants", file("wrong.json", `[{"name":"Acme!","secretFrom":"S"},
				{"name":"b","userName":"u","secretFrom":"S","integrationCodeFrom":"C","baseURL":"https://h.example/atservicesrest/v1.0"},
				{"name":"b","userName":"u","secretFrom":"S","integrationCodeFrom":"NONE"}]`)}, env: full,
			want: `tenant 1 ("Acme!"): the name is that of a queue`,
		},
		"no job":           {args: []string{"-tenants", good}, env: full, stdin: "{}", want: "line 1 of the jobs: a job is "},
		"two jobs a line":  {args: []string{"-tenants", good}, env: full, stdin: "\n" + `{"changes":{"tenant":"acme","collections":["Tickets"]}} {}`, want: "line 2 of the jobs: one object a line"},
		"a job of two":     {args: []string{"-tenants", good}, env: full, stdin: `{"changes":{},"alert":{}}`, want: "line 1 of the jobs: a job is "},
		"an unknown field": {args: []string{"-tenants", good}, env: full, stdin: `{"resolve":{"ticket":1}}`, want: `unknown field "ticket"`},
		"no key":           {args: []string{"-tenants", good}, env: full, stdin: `{"resolve":{"tenant":"acme","ticketID":1,"ticketNumber":"T1"}}`, want: "key is missing; give ticketID or ticketNumber"},
		"no event":         {args: []string{"-tenants", good}, env: full, stdin: `{"alert":{"tenant":"acme","key":"k"}}`, want: "event is missing; title is missing"},
		"no collection":    {args: []string{"-tenants", good}, env: full, stdin: `{"changes":{"tenant":"acme"}}`, want: "collections is missing"},
		"another tenant":   {args: []string{"-tenants", good}, env: full, stdin: `{"resolve":{"tenant":"globex","key":"k","ticketID":1}}`, want: `tenant "globex" is not in the list`},
		"a very long line": {args: []string{"-tenants", good}, env: full, stdin: strings.Repeat(" ", maxLine+1), want: "the jobs cannot be read"},
	} {
		var stdout, stderr bytes.Buffer
		err := from(strings.NewReader(test.stdin))(t.Context(), test.args, environment(test.env), &stdout, &stderr)
		var usage connect.UsageError
		require.ErrorAs(t, err, &usage, name)
		require.ErrorContains(t, err, test.want, name)
		assert.NotContains(t, err.Error(), "pass-word", name)
		assert.Empty(t, stdout.String()+stderr.String(), name)
	}
	assert.NoFileExists(t, filepath.Join(dir, "unused.db"))
}

func TestAllThatIsWrongWithAList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenants.json")
	require.NoError(t, os.WriteFile(path, []byte(`[{"name":"A"},{"name":"b","userName":"u","secretFrom":"S","integrationCodeFrom":"C"},
		{"name":"b","userName":"u","secretFrom":"S","integrationCodeFrom":"C","baseURL":"http://h.example"}]`), 0o600))
	_, err := readTenants(path, environment(map[string]string{"S": "s", "C": "c"}))
	for _, want := range []string{
		`tenant 1 ("A"): the name is that of a queue`, `tenant 1 ("A"): userName is missing`, `tenant 1 ("A"): secretFrom is missing`,
		`tenant 3 ("b"): the name is taken`, `tenant 3 ("b"): autotask: WithBaseURL`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	err := from(strings.NewReader(""))(t.Context(), []string{"-h"}, environment(nil), nil, &stderr)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, want := range []string{"-tenants FILE < jobs", "-workers-only", "DATABASE_URL", "Exit codes:"} {
		assert.Contains(t, stderr.String(), want)
	}
	for line := range strings.Lines(stderr.String()) {
		assert.LessOrEqual(t, len(line), 100, line)
	}
}

// Secrets reach the workers, and nothing else.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	s := settings{Tenants: []tenant{{Name: "acme", Secret: "pass-word", IntegrationCode: "CODE-1"}}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown := fmt.Sprintf(format, s)
		assert.NotContains(t, shown, "pass-word", format)
		assert.NotContains(t, shown, "CODE-1", format)
		assert.NotContains(t, shown, fmt.Sprintf("%x", "pass-word"), format)
	}
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var read settings
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, s, read)
}
