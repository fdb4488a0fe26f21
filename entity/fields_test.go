package entity_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/schema"
)

// goTypes are the types of the Go fields of each kind.
var goTypes = map[schema.Kind]reflect.Type{
	schema.Integer:  reflect.TypeFor[autotask.Optional[int64]](),
	schema.Number:   reflect.TypeFor[autotask.Optional[float64]](),
	schema.Boolean:  reflect.TypeFor[autotask.Optional[bool]](),
	schema.String:   reflect.TypeFor[autotask.Optional[string]](),
	schema.DateTime: reflect.TypeFor[autotask.Optional[time.Time]](),
	schema.Bytes:    reflect.TypeFor[autotask.Optional[[]byte]](),
	schema.UDFs:     reflect.TypeFor[autotask.UDFs](),
	schema.Any:      reflect.TypeFor[autotask.Optional[any]](),
}

// plain are the fields without Optional, which have a value in every item.
var plain = map[reflect.Type]schema.Kind{
	reflect.TypeFor[int64]():  schema.Integer,
	reflect.TypeFor[string](): schema.String,
}

// jsonFields are the JSON names of a struct's fields with their types.
func jsonFields(model reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type)
	for f := range model.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
			all[name] = f.Type
		}
	}
	return all
}

// kindOf is the kind that a Go type stands for, 0 for none.
func kindOf(typ reflect.Type) schema.Kind {
	for kind, t := range goTypes {
		if t == typ {
			return kind
		}
	}
	return plain[typ]
}

// TestFields holds every type to the table: all fields, and no others, with the
// names and kinds of the wire; and every entity has its type.
func TestFields(t *testing.T) {
	t.Parallel()
	entities := schema.Entities()
	require.Len(t, walk, len(entities))
	for i, e := range entities {
		require.Equal(t, e.Name, walk[i].name)
		assert.Equal(t, e.Name, walk[i].model.Name())
		want := make(map[string]string)
		for _, f := range e.Fields {
			want[f.Name] = f.Kind.String()
		}
		assert.Equal(t, want, kindsOf(walk[i].model), e.Name)
	}
}

func kindsOf(model reflect.Type) map[string]string {
	kinds := make(map[string]string)
	for name, typ := range jsonFields(model) {
		kinds[name] = kindOf(typ).String()
	}
	return kinds
}

// TestSwaggerFields holds every type to the vendor's models, given the Swagger.
func TestSwaggerFields(t *testing.T) {
	t.Parallel()
	s := vendorSwagger(t)
	if s == nil {
		t.Logf("set %s to the vendor's Swagger to compare with it; TestFields compares with the table", swaggerVariable)
		return
	}
	models, fields := s.rowModels(t), 0
	for _, entry := range walk {
		want := models[entry.name]
		assert.NotEmpty(t, want, "the Swagger has no rows of %s", entry.name)
		delete(models, entry.name)
		assert.Equal(t, want, kindsOf(entry.model), entry.name)
		fields += len(want)
	}
	assert.Empty(t, models, "models without a type")
	_, _ = fmt.Fprintf(os.Stdout, "fields: %d entities, %d fields, all as in the Swagger\n", len(walk), fields)
}

// TestReadmeCounts keeps the counts of the README true.
func TestReadmeCounts(t *testing.T) {
	t.Parallel()
	verbs, fields := 0, 0
	for _, entry := range walk {
		verbs += len(entry.verbs)
		fields += len(jsonFields(entry.model))
	}
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	want := fmt.Sprintf("%d entities with %s fields and %s verbs", len(walk), thousands(fields), thousands(verbs))
	assert.Contains(t, strings.Join(strings.Fields(string(text)), " "), want)
}

func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }
