package entity_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calls are the generic functions by the verbs that they demand, with %s for
// the type.
var calls = map[string]struct{ code, constraint string }{
	"Get":    {"_, _ = autotask.Get[%s](ctx, client, 1)", "Gettable"},
	"Query":  {"_, _ = autotask.List[%s](ctx, client, autotask.Query{})", "Queryable"},
	"List":   {"_, _ = autotask.ListChildren[%s](ctx, client, 1)", "ParentListable"},
	"Create": {"_, _ = autotask.Create(ctx, client, new(%s))", "Creatable"},
	"Update": {"_, _ = autotask.Update(ctx, client, 1, func(*%s) error { return nil })", "Updatable"},
	"Patch":  {"_ = autotask.Patch(ctx, client, 1, new(%s))", "Patchable"},
	"Delete": {"_ = autotask.Delete[%s](ctx, client, 1)", "Deletable"},
}

// call is one line of a program, and the method for the lack of which it must
// not compile.
type call struct {
	verb, model string
	missing     string
}

func (c call) code() string { return fmt.Sprintf(calls[c.verb].code, c.model) }

// The verbs that people look for, and that the API lacks.
var wrongCalls = []call{
	{"Create", "entity.BillingItem", "CanCreate"},
	{"Delete", "autotask.Ticket", "CanDelete"},
	{"Patch", "autotask.Ticket", "CanPatch"},
	{"Delete", "entity.Company", "CanDelete"},
	{"List", "entity.Company", "CanList"},
	{"Query", "entity.ContractServiceAdjustment", "CanQuery"},
	{"Update", "entity.TicketHistory", "CanUpdate"},
	{"Query", "entity.ResourceTimeOffBalance", "CanQuery"},
}

// Every call that compiles in this program fails in another one for the type's
// lack of a method, and for nothing else.
var rightCalls = []call{
	{verb: "Get", model: "entity.ServiceCall"},
	{verb: "Query", model: "entity.ServiceCall"},
	{verb: "Create", model: "entity.ServiceCall"},
	{verb: "Update", model: "entity.ServiceCall"},
	{verb: "Patch", model: "entity.ServiceCall"},
	{verb: "Delete", model: "entity.ServiceCall"},
	{verb: "List", model: "entity.ResourceTimeOffBalance"},
}

// TestVerbsThatTheAPILacksDoNotCompile gives the compiler programs that misuse
// the types.
func TestVerbsThatTheAPILacksDoNotCompile(t *testing.T) {
	t.Parallel()
	complaints := compile(t, wrongCalls)
	for i, c := range wrongCalls {
		assert.Contains(t, complaints[i], c.model, c.code())
		assert.Contains(t, complaints[i], fmt.Sprintf("does not satisfy autotask.%s (missing method %s)", calls[c.verb].constraint, c.missing), c.code())
	}
	assert.Len(t, complaints, len(wrongCalls))
}

func TestVerbsThatTheAPIHasCompile(t *testing.T) {
	t.Parallel()
	assert.Empty(t, compile(t, rightCalls))
}

var unsatisfied = regexp.MustCompile(`does not satisfy autotask\.(\w+) \(missing method (\w+)\)`)

// TestEveryLackingVerbDoesNotCompile is the other half of walk, which compiles:
// it tries each verb of each entity that is not there.
func TestEveryLackingVerbDoesNotCompile(t *testing.T) {
	t.Parallel()
	var lacking []call
	var models []reflect.Type
	for _, entry := range walk {
		has := make(map[string]bool)
		for _, v := range entry.verbs {
			has[v.name] = true
		}
		for verb := range calls {
			if !has[verb] {
				lacking = append(lacking, call{verb: verb, model: entry.model.String()})
				models = append(models, entry.model)
			}
		}
	}
	complaints := compile(t, lacking)
	for i, c := range lacking {
		reason := unsatisfied.FindStringSubmatch(complaints[i])
		if !assert.Len(t, reason, 3, "%s: %s", c.code(), complaints[i]) {
			continue
		}
		assert.Equal(t, calls[c.verb].constraint, reason[1], c.code())
		_, exists := models[i].MethodByName(reason[2])
		assert.False(t, exists, complaints[i])
	}
	assert.Len(t, complaints, len(lacking))
	t.Logf("%d entities lack %d verbs", len(walk), len(lacking))
}

var errorLine = regexp.MustCompile(`(?m)^.*\bprogram\.go:(\d+):\d+: (.*)$`)

// compile runs the compiler over a program with one line for each call, and
// returns what it has against each. The program is a package inside the module,
// so that it may import the module without a go.mod of its own, but an overlay
// only: nothing is written there.
func compile(t *testing.T, program []call) map[int]string {
	t.Helper()
	const before = "package program; import (\"context\"; \"github.com/autotask-go/autotask\"; \"github.com/autotask-go/autotask/entity\");" +
		" var _ entity.Company; func program(ctx context.Context, client *autotask.Client) {\n"
	var text strings.Builder
	text.WriteString(before)
	for _, c := range program {
		text.WriteString(c.code() + "\n")
	}
	text.WriteString("}\n")
	source := filepath.Join(t.TempDir(), "program.go")
	require.NoError(t, os.WriteFile(source, []byte(text.String()), 0o600))

	module, err := filepath.Abs("..")
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(module, "internal", "program", "program.go"): source}})
	require.NoError(t, err)
	overlayFile := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, overlay, 0o600))

	// -e: all errors, not only the first ten.
	build := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-overlay="+overlayFile, "./internal/program") //nolint:gosec // the path is the test's own
	build.Dir = module
	build.Env = append(os.Environ(), "GOWORK=off")
	output, err := build.CombinedOutput()
	complaints := make(map[int]string)
	for _, m := range errorLine.FindAllStringSubmatch(string(output), -1) {
		line, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.Empty(t, complaints[line-2], "two errors in one line")
		complaints[line-2] = m[2]
	}
	require.Equal(t, len(complaints) == 0, err == nil, "the compiler fails for these lines or not at all: %s", output)
	return complaints
}
