package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/examples/internal/connect"
)

// tenant is one Autotask tenant. Its name is the name of its queue.
type tenant struct {
	Name            string `json:"name"`
	UserName        string `json:"userName"`
	Secret          hidden `json:"secret"`
	IntegrationCode hidden `json:"integrationCode"`
	BaseURL         string `json:"baseURL"` // "" discovers the zone
}

// hidden is a string that no formatting shows. JSON has it as it is: that is how it
// reaches the workers, through a pipe.
type hidden string

// Format shows nothing of the string.
func (hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hidden]") }

// client returns a client of the tenant.
func (t tenant) client(opts ...autotask.Option) (*autotask.Client, error) {
	opts = append(opts, autotask.WithApplication("autotask-go-example-fleet", ""))
	if t.BaseURL != "" {
		opts = append(opts, autotask.WithBaseURL(t.BaseURL))
	}
	return autotask.NewClient(autotask.Credentials{
		UserName: t.UserName, Secret: string(t.Secret), IntegrationCode: string(t.IntegrationCode),
	}, opts...)
}

// listed is a tenant as the file has it: secrets are named, never written down.
type listed struct {
	Name                string `json:"name"`
	UserName            string `json:"userName"`
	SecretFrom          string `json:"secretFrom"`
	IntegrationCodeFrom string `json:"integrationCodeFrom"`
	BaseURL             string `json:"baseURL"`
}

// queueName is what River accepts as the name of a queue, in lower case.
var queueName = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)

// readTenants reads the list of tenants, and their secrets from the environment. The
// error names all that is wrong, and no value of a variable.
func readTenants(file string, getenv func(string) string) ([]tenant, error) {
	f, err := os.Open(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, connect.Usage("%w", err)
	}
	defer func() { _ = f.Close() }()
	var list []listed
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, connect.Usage("%s: %w; it is a JSON array of objects with name, userName, secretFrom, integrationCodeFrom and, optionally, baseURL", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, connect.Usage("%s: there is more behind the array", file)
	}
	if len(list) == 0 {
		return nil, connect.Usage("%s names no tenant", file)
	}
	var tenants []tenant
	var problems []string
	for i, l := range list {
		t, wrong := l.tenant(getenv)
		if slices.ContainsFunc(tenants, func(other tenant) bool { return other.Name == t.Name }) {
			wrong = append(wrong, "the name is taken")
		}
		for _, w := range wrong {
			problems = append(problems, fmt.Sprintf("tenant %d (%q): %s", i+1, l.Name, w))
		}
		tenants = append(tenants, t)
	}
	if len(problems) > 0 {
		return nil, connect.Usage("%s: %s", file, strings.Join(problems, "; "))
	}
	return tenants, nil
}

func (l listed) tenant(getenv func(string) string) (t tenant, wrong []string) {
	t = tenant{Name: l.Name, UserName: l.UserName, BaseURL: l.BaseURL}
	if len(l.Name) > 64 || !queueName.MatchString(l.Name) {
		wrong = append(wrong, "the name is that of a queue: at most 64 of a-z and 0-9, with single - or _ in between")
	}
	if l.UserName == "" {
		wrong = append(wrong, "userName is missing")
	}
	for _, v := range []struct {
		field, variable string
		into            *hidden
	}{
		{"secretFrom", l.SecretFrom, &t.Secret},
		{"integrationCodeFrom", l.IntegrationCodeFrom, &t.IntegrationCode},
	} {
		if v.variable == "" {
			wrong = append(wrong, v.field+" is missing: it names an environment variable")
		} else if *v.into = hidden(getenv(v.variable)); *v.into == "" {
			wrong = append(wrong, "the environment variable "+v.variable+" is not set")
		}
	}
	if len(wrong) == 0 {
		if _, err := t.client(); err != nil { // an address that is none, say; the network is not touched
			wrong = append(wrong, err.Error())
		}
	}
	return t, wrong
}
