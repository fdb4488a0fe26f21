package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// A program in another process, and another language, gets a tenant with rows and a
// fault.
func TestFake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenant.json")
	require.NoError(t, os.WriteFile(path, []byte(`{
		"picklists": {"Tickets": {"status": [{"value": 1, "label": "New"}, {"value": 5, "label": "Complete"}, {"value": "77", "label": "Parked", "inactive": true}]}},
		"Companies": [{"id": 7, "companyName": "Seeded"}],
		"Tickets": [{"id": 70, "title": "Seeded ticket", "companyID": 7, "status": 77, "resolution": null}, {"title": "Another"}]
	}`), 0o600))
	cmd := program(t, nil, "fake", "-json", "-seed", path, "-fault", "PUT Tickets drop-request")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err, stderr.String())
	var at struct {
		BaseURL         string `json:"baseURL"`
		ZoneURL         string `json:"zoneURL"`
		UserName        string `json:"userName"`
		Secret          string `json:"secret"`
		IntegrationCode string `json:"integrationCode"`
	}
	require.NoError(t, json.Unmarshal(line, &at))
	client, err := autotask.NewClient(autotask.Credentials{UserName: at.UserName, Secret: at.Secret, IntegrationCode: at.IntegrationCode}, autotask.WithZoneURL(at.ZoneURL))
	require.NoError(t, err)
	ticket, err := client.Tickets.Get(t.Context(), 70)
	require.NoError(t, err)
	assert.Equal(t, "Seeded ticket", ticket.Title)
	assert.EqualValues(t, 77, ticket.Status)
	_, err = client.Tickets.Update(t.Context(), 70, func(ticket *autotask.Ticket) error { ticket.Title = "x"; return nil })
	require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)

	s := setting{real: true, env: map[string]string{varUser: at.UserName, varSecret: at.Secret, varCode: at.IntegrationCode, varBaseURL: at.BaseURL}}
	assert.Equal(t, "1\n", s.want(t, exitOK, "count", "Tickets", "status", "eq", "Parked").stdout)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, exitOK, codeOfProcess(t, cmd.Wait()), stderr.String())
	assert.Contains(t, stderr.String(), "requests answered")
}

func TestFakeForShells(t *testing.T) {
	t.Parallel()
	cmd := program(t, nil, "fake", "-demo")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	env := make(map[string]string)
	for len(env) < 5 && lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		require.True(t, ok, lines.Text())
		env[name] = strings.Trim(value, "'")
	}
	assert.Equal(t, "60\n", setting{real: true, env: env}.want(t, exitOK, "count", "Tickets").stdout)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, exitOK, codeOfProcess(t, cmd.Wait()))
}

func TestWrongFakes(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{
		"", "hang", "PUT Tickets", "PUT Tikets hang", "any", "any explode", "any delay", "any delay=x", "any delay=-1s", "any hang=3", "any status=x",
		"any times=3", "GET Tickets revert", "any retry-after=soon",
	} {
		assert.Contains(t, setting{}.want(t, exitUsage, "fake", "-fault", fault).stderr, "-fault", fault)
	}
	for _, seed := range []string{
		"", "[]", "{", `{"Tikets": [{}]}`, `{"Tickets": {}}`, `{"Tickets": [{"titel": "x"}]}`, `{"Tickets": [{"title": 7}]}`, `{} {}`,
		`{"picklists": {"Tickets": {"titel": []}}}`, `{"picklists": {"Tickets": {"status": [{"value": "x"}]}}}`,
	} {
		assert.Contains(t, setting{stdin: seed}.want(t, exitUsage, "fake", "-seed", "-").stderr, "-seed", seed)
	}
	setting{}.want(t, exitUsage, "fake", "-threshold-limit", "0")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]autotasktest.Fault{
		"PUT Tickets drop-response":                     {Op: "PUT Tickets", DropResponse: true},
		"any status=503 times=2 skip=1":                 {Status: 503, Times: 2, Skip: 1},
		"POST Tickets/Notes  hang drop-response":        {Op: "POST Tickets/Notes", Hang: true, DropResponse: true},
		"GET Tickets ignore-write times=always":         {Op: "GET Tickets", IgnoreWrite: true, Times: -1},
		"any redirect=https://example.com/a=b":          {Redirect: "https://example.com/a=b"},
		"POST Tickets/query foreign-next-page=http://x": {Op: "POST Tickets/query", ForeignNextPage: "http://x"},
	} {
		got, err := parseFault(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}
