package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func value(s string) jsontext.Value { return jsontext.Value(s) }

// change makes a Change of texts; "" is an absent value.
func change(name, before, after string) Change {
	c := Change{Name: name}
	if before != "" {
		c.Old = value(before)
	}
	if after != "" {
		c.New = value(after)
	}
	return c
}

// exactly compares bytes: JSON that means the same is not enough.
func exactly(t *testing.T, want string, got []byte) {
	t.Helper()
	assert.Equal(t, []byte(want), got, "want %s, got %s", want, got)
}

func keep(string) bool { return false }

func TestDiffListsWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, before, after string
		want                []Change
	}{
		{"nothing", `{"a":1,"b":null}`, `{"a":1,"b":null}`, nil},
		{"empty", `{}`, `{}`, nil},
		{"order alone", `{"a":1,"b":2}`, `{"b":2,"a":1}`, nil},
		{"outer white space alone", `{"a":1}`, " { \"a\" :\n1 } ", nil},
		{"a value", `{"a":1,"b":2}`, `{"a":1,"b":3}`, []Change{change("b", "2", "3")}},
		{"null for a value", `{"a":1}`, `{"a":null}`, []Change{change("a", "1", "null")}},
		{"a value for null", `{"a":null}`, `{"a":0}`, []Change{change("a", "null", "0")}},
		{"null for nothing", `{}`, `{"a":null}`, []Change{change("a", "", "null")}},
		{"empty text for null", `{"a":null}`, `{"a":""}`, []Change{change("a", "null", `""`)}},
		{"added", `{"a":1}`, `{"x":[],"a":1}`, []Change{change("x", "", "[]")}},
		{"taken away", `{"a":1,"b":2}`, `{"b":2}`, []Change{change("a", "1", "")}},
		{"several, in the order of after, those taken away last",
			`{"a":1,"b":2,"c":3,"d":4}`, `{"d":5,"e":6,"c":7}`,
			[]Change{change("d", "4", "5"), change("e", "", "6"), change("c", "3", "7"), change("a", "1", ""), change("b", "2", "")}},
		{"names by what they mean", `{"a":1}`, `{"\u0061":2}`, []Change{change("a", "1", "2")}},
		{"names with case", `{"a":1}`, `{"A":1}`, []Change{change("A", "", "1"), change("a", "1", "")}},
		{"digits beyond any type", `{"a":12345678901234567890}`, `{"a":12345678901234567891}`,
			[]Change{change("a", "12345678901234567890", "12345678901234567891")}},
	} {
		got, err := Diff([]byte(c.before), []byte(c.after))
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
}

// The order of user-defined fields carries nothing: a caller who sorts them has
// changed nothing.
func TestDiffComparesUDFsByName(t *testing.T) {
	t.Parallel()
	const (
		a, b, c = `{"name":"A","value":"1"}`, `{"name":"B","value":null}`, `{"name":"C","value":"3"}`
		before  = `{"id":1,"userDefinedFields":[` + a + `,` + b + `,` + c + `]}`
	)
	for after, want := range map[string]int{
		`{"id":1,"userDefinedFields":[` + c + `,` + a + `,` + b + `]}`:                           0,
		`{"id":1,"userDefinedFields":[` + b + `,` + c + `,` + a + `]}`:                           0,
		`{"id":1,"userDefinedFields":[ ` + a + ` , ` + b + `, ` + c + ` ]}`:                      0,
		`{"id":1,"userDefinedFields":[` + c + `,` + a + `,{"name":"B","value":"2"}]}`:            1,
		`{"id":1,"userDefinedFields":[` + c + `,` + a + `,` + b + `,{"name":"D","value":null}]}`: 1,
		`{"id":1,"userDefinedFields":[` + c + `,` + a + `]}`:                                     1, // an error, later
		`{"id":1,"userDefinedFields":[` + c + `,` + a + `,` + b + `,` + b + `]}`:                 1, // an error, later
		`{"id":1}`: 1, // an error, later
	} {
		changes, err := Diff([]byte(before), []byte(after))
		require.NoError(t, err)
		assert.Len(t, changes, want, after)
	}
	for _, pair := range [][2]string{
		{`{"id":1}`, `{"id":1,"userDefinedFields":[]}`},
		{`{"id":1,"userDefinedFields":[]}`, `{"id":1}`},
		{`{"id":1,"userDefinedFields":null}`, `{"id":1,"userDefinedFields":[]}`},
	} {
		changes, err := Diff([]byte(pair[0]), []byte(pair[1]))
		require.NoError(t, err)
		assert.Empty(t, changes, pair)
	}
}

func TestChangedUDFsKnowTheValueBefore(t *testing.T) {
	t.Parallel()
	changed, err := ChangedUDFs(Change{
		Old: jsontext.Value(`[{"name":"A","value":"1"},{"name":"B","value":"2"}]`),
		New: jsontext.Value(`[{"name":"C","value":"3"},{"name":"B","value":"2"},{"name":"A","value":"9"}]`),
	})
	require.NoError(t, err)
	require.Len(t, changed, 2)
	assert.Equal(t, "C", changed[0].Name)
	assert.Nil(t, changed[0].Old)
	assert.Equal(t, `"1"`, string(changed[1].Old))
}

func TestOverlayChangesNothingElse(t *testing.T) {
	t.Parallel()
	const object = `{ "id" : 7, "title":"Caf\u00e9 \ud83d\ude00 ü 😀 \/ \t" ,` + "\n" +
		`"unknown": { "deep" :[ 1 , 2.50 , 12345678901234567890, {"x":null} ] },"big":12345678901234567890,` +
		`"n\u0061me\"":true,"Größe":1e400,"empty":"","none":null}`
	const wanted = `{"id":7,"title":"Caf\u00e9 \ud83d\ude00 ü 😀 \/ \t",` +
		`"unknown":{ "deep" :[ 1 , 2.50 , 12345678901234567890, {"x":null} ] },"big":12345678901234567890,` +
		`"n\u0061me\"":true,"Größe":1e400,"empty":"","none":null}`
	got, err := Overlay([]byte(object), nil, nil)
	require.NoError(t, err)
	exactly(t, wanted, got)

	got, err = Overlay([]byte(object), []Change{change("id", "7", "8")}, keep)
	require.NoError(t, err)
	exactly(t, strings.Replace(wanted, `"id":7`, `"id":8`, 1), got)
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		object  string
		changes []Change
		drop    string
		want    string
	}{
		{"in its place", `{"a":1,"b":2,"c":3}`, []Change{change("b", "2", `"x y"`)}, "", `{"a":1,"b":"x y","c":3}`},
		{"as it stands now, not as it was read", `{"a":9}`, []Change{change("a", "1", "2")}, "", `{"a":2}`},
		{"to null", `{"a":1}`, []Change{change("a", "1", "null")}, "", `{"a":null}`},
		{"new ones come last, in order", `{"a":1}`, []Change{change("c", "", "3"), change("b", "", "2")}, "", `{"a":1,"c":3,"b":2}`},
		{"new ones are quoted", `{}`, []Change{change("a\"\n\u00e9", "", "1")}, "", `{"a\"\né":1}`},
		{"an escaped name keeps its spelling", `{"\u0061":1}`, []Change{change("a", "1", "2")}, "", `{"\u0061":2}`},
		{"dropped", `{"a":1,"b":2,"c":3}`, nil, "b", `{"a":1,"c":3}`},
		{"dropped by what the name means", `{"\u0062":2}`, nil, "b", `{}`},
		{"dropped and changed", `{"a":1,"b":2}`, []Change{change("a", "1", "5")}, "b", `{"a":5}`},
		{"nothing in it", ` {} `, nil, "", `{}`},
	} {
		got, err := Overlay([]byte(c.object), c.changes, func(name string) bool { return name == c.drop })
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, string(got), c.name)
	}
}

func TestOverlayLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	object := []byte(`{"a":1,"b":2}`)
	got, err := Overlay(object, []Change{change("a", "1", "5")}, func(name string) bool { return name == "b" })
	require.NoError(t, err)
	for i := range got {
		got[i] = '#'
	}
	assert.Equal(t, `{"a":1,"b":2}`, string(object))
}

func TestSparseHoldsTheChangesAlone(t *testing.T) {
	t.Parallel()
	got, err := Sparse([]Change{change("id", "", "7"), change("a", "1", "null"), change("b\"", "2", `"\u00e9"`)})
	require.NoError(t, err)
	exactly(t, `{"id":7,"a":null,"b\"":"\u00e9"}`, got)

	got, err = Sparse(nil)
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(got))
}

func TestMemberThatWasTakenAwayIsAnError(t *testing.T) {
	t.Parallel()
	gone := []Change{change("title", `"x"`, "")}
	_, err := Overlay([]byte(`{"title":"x"}`), gone, nil)
	require.EqualError(t, err, "title was removed: set it to null to clear it")
	_, err = Sparse(gone)
	require.EqualError(t, err, "title was removed: set it to null to clear it")

	gone = []Change{change(UDFs, `[]`, "")}
	_, err = Overlay([]byte(`{"userDefinedFields":[]}`), gone, nil)
	require.EqualError(t, err, "userDefinedFields was removed: set it to null to clear it")
}

// notObjects are inputs that no function takes for an object.
var notObjects = map[string]string{
	"nothing":         ``,
	"null":            `null`,
	"an array":        `[{"a":1}]`,
	"a number":        `7`,
	"a text":          `"{}"`,
	"half an object":  `{"a":1`,
	"half a member":   `{"a":`,
	"half a name":     `{"a`,
	"a wrong name":    `{a:1}`,
	"a wrong value":   `{"a":x}`,
	"a wrong number":  `{"a":01}`,
	"no comma":        `{"a":1 "b":2}`,
	"a name twice":    `{"a":1,"a":2}`,
	"an escape twice": `{"a":1,"\u0061":2}`,
}

func TestWhatIsNoObjectIsAnError(t *testing.T) {
	t.Parallel()
	for name, s := range notObjects {
		_, err := Diff([]byte(s), []byte(`{}`))
		require.Error(t, err, "Diff before: %s", name)
		_, err = Diff([]byte(`{}`), []byte(s))
		require.Error(t, err, "Diff after: %s", name)
		_, err = Overlay([]byte(s), nil, nil)
		require.Error(t, err, "Overlay: %s", name)
		require.Error(t, Each([]byte(s), func(string, jsontext.Value) { t.Errorf("Each: %s: called", name) }), name)
	}
	_, err := Overlay([]byte(`[]`), nil, nil)
	assert.ErrorContains(t, err, "not a JSON object")
}

func TestNamesAreUniqueInLargeObjects(t *testing.T) {
	t.Parallel()
	for n := range 90 {
		parts := make([]string, 0, n+1)
		for i := range n {
			parts = append(parts, fmt.Sprintf(`"name %d":%d`, i, i))
		}
		require.NoError(t, Each([]byte("{"+strings.Join(parts, ",")+"}"), func(string, jsontext.Value) {}))
		if n > 0 {
			parts = append(parts, fmt.Sprintf(`"name %d":0`, n/2))
			err := Each([]byte("{"+strings.Join(parts, ",")+"}"), func(string, jsontext.Value) { t.Error("called") })
			require.ErrorContains(t, err, "duplicate", "%d names", n)
		}
	}
}

func TestBytesThatAreNoUTF8AreCarriedOver(t *testing.T) {
	t.Parallel()
	// They come out as they went in, as long as nobody changes them.
	got, err := Overlay([]byte("{\"a\":\"caf\xe9\",\"\xff\":1,\"b\":2}"), []Change{change("b", "2", "3")}, nil)
	require.NoError(t, err)
	exactly(t, "{\"a\":\"caf\xe9\",\"\xff\":1,\"b\":3}", got)

	object := `{"` + UDFs + `":[{"name":"A","value":"` + "caf\xe9" + `"},{"name":"B","value":"1"}]}`
	got, err = Overlay([]byte(object), []Change{change(UDFs, `[{"name":"B","value":"1"}]`, `[{"name":"B","value":"2"}]`)}, nil)
	require.NoError(t, err)
	exactly(t, strings.Replace(object, `"1"`, `"2"`, 1), got)
}

func TestEachGoesInOrder(t *testing.T) {
	t.Parallel()
	var got []string
	err := Each([]byte(`{"b":1,"\u0061":[ 2 ],"":null}`), func(name string, v jsontext.Value) {
		got = append(got, name+"="+string(v))
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"b=1", "a=[ 2 ]", "=null"}, got)
}

func TestUDFsAreMergedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, current, before, after string
		whole, sparse                string
	}{
		{
			"one of several, the others keep their bytes",
			`[ {"name":"A","value":"1" , "extra":12345678901234567890},{ "value" : "\u00e9", "name":"B"},{"name":"C"}]`,
			`[{"name":"A","value":"1"},{"name":"B","value":"é"},{"name":"C"}]`,
			`[{"name":"A","value":"2"},{"name":"B","value":"é"},{"name":"C"}]`,
			`[{"name":"A","value":"2","extra":12345678901234567890},{ "value" : "\u00e9", "name":"B"},{"name":"C"}]`,
			`[{"name":"A","value":"2"}]`,
		},
		{
			"to null",
			`[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":null}]`,
			`[{"name":"A","value":null}]`, `[{"name":"A","value":null}]`,
		},
		{
			"one without a value gets one",
			`[{"name":"A"}]`, `[{"name":"A"}]`, `[{"name":"A","value":"1"}]`,
			`[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`,
		},
		{
			"in another order",
			`[{"name":"A","value":"1"},{"name":"B","value":"2"}]`,
			`[{"name":"A","value":"1"},{"name":"B","value":"2"}]`,
			`[{"name":"B","value":"3"},{"name":"A","value":"1"}]`,
			`[{"name":"A","value":"1"},{"name":"B","value":"3"}]`,
			`[{"name":"B","value":"3"}]`,
		},
		{
			"a new one comes last",
			`[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`,
			`[{"name":"N","value":"9"},{"name":"A","value":"1"}]`,
			`[{"name":"A","value":"1"},{"name":"N","value":"9"}]`,
			`[{"name":"N","value":"9"}]`,
		},
		{
			"names with escapes",
			`[{"name":"Gr\u00f6\u00dfe","value":"1"}]`, `[{"name":"Größe","value":"1"}]`, `[{"name":"Größe","value":"2"}]`,
			`[{"name":"Gr\u00f6\u00dfe","value":"2"}]`, `[{"name":"Größe","value":"2"}]`,
		},
		{
			"one that was there for the server only stays",
			`[{"name":"A","value":"1"},{"name":"new at the server","value":"x"}]`,
			`[{"name":"A","value":"1"}]`, `[{"name":"A","value":"2"}]`,
			`[{"name":"A","value":"2"},{"name":"new at the server","value":"x"}]`,
			`[{"name":"A","value":"2"}]`,
		},
		{
			"one that is spelled in another way has not changed",
			`[{"name":"A","value":"1"},{"name":"B"}]`,
			`[{"name":"A","value":"1"},{"name":"B"}]`, `[{"value":"1","name":"A"},{"name":"B","value":"2"}]`,
			`[{"name":"A","value":"1"},{"name":"B","value":"2"}]`, `[{"name":"B","value":"2"}]`,
		},
		{"of null", `null`, `null`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`},
		{"of an empty array", `[]`, `[]`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`},
		{"of nothing", ``, ``, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"1"}]`},
		{"null for an empty array", `[]`, `[]`, `null`, `[]`, `[]`},
	} {
		object := `{"id":7,"` + UDFs + `":` + c.current + `,"z":1}`
		want := `{"id":7,"` + UDFs + `":` + c.whole + `,"z":1}`
		if c.current == "" {
			object, want = `{"id":7}`, `{"id":7,"`+UDFs+`":`+c.whole+`}`
		}
		changes := []Change{change(UDFs, c.before, c.after)}
		got, err := Overlay([]byte(object), changes, nil)
		require.NoError(t, err, c.name)
		assert.Equal(t, want, string(got), c.name)

		got, err = Sparse(changes)
		require.NoError(t, err, c.name)
		assert.Equal(t, `{"`+UDFs+`":`+c.sparse+`}`, string(got), c.name)
	}
}

func TestBadUDFsAreErrors(t *testing.T) {
	t.Parallel()
	const one = `[{"name":"A","value":"1"}]`
	for _, c := range []struct {
		name, before, after, want string
	}{
		{"taken away", `[{"name":"A","value":"1"},{"name":"B"}]`, one, `user-defined field "B" was removed: set it to null to clear it`},
		{"all taken away", one, `[]`, `user-defined field "A" was removed`},
		{"null for all", one, `null`, `user-defined field "A" was removed`},
		{"the same twice", one, `[{"name":"A","value":"1"},{"name":"A","value":"2"}]`, `user-defined field "A" is given twice`},
		{"a new one twice", one, `[{"name":"A","value":"1"},{"name":"N"},{"name":"N"}]`, `user-defined field "N" is given twice`},
		{"its value taken away", one, `[{"name":"A"}]`, `user-defined field "A" has no value: set it to null to clear it`},
		{"a new one without a value", one, `[{"name":"A","value":"1"},{"name":"N"}]`, `user-defined field "N" has no value`},
		{"no array", one, `{"name":"A"}`, `userDefinedFields is not an array`},
		{"no array before", `"x"`, one, `userDefinedFields is not an array`},
		{"an element that is null", one, `[{"name":"A","value":"1"},null,{"name":"B"}]`, `an element of userDefinedFields is not an object`},
		{"an element that is a number", one, `[7]`, `an element of userDefinedFields is not an object`},
		{"no name", one, `[{"value":"1"}]`, `a user-defined field has no readable name`},
		{"a name that is a number", one, `[{"name":7}]`, `a user-defined field has no readable name`},
		{"an element cut short", one, `[{"name":"A"`, `unexpected EOF`},
		{"an array cut short", one, `[{"name":"A","value":"1"}`, `unexpected EOF`},
		{"an element with a name twice", one, `[{"name":"A","name":"A"}]`, `duplicate`},
	} {
		changes := []Change{change(UDFs, c.before, c.after)}
		_, err := Overlay([]byte(`{"`+UDFs+`":`+one+`}`), changes, nil)
		require.ErrorContains(t, err, c.want, "%s: Overlay", c.name)
		_, err = Sparse(changes)
		require.ErrorContains(t, err, c.want, "%s: Sparse", c.name)
		_, err = ChangedUDFs(changes[0])
		require.ErrorContains(t, err, c.want, "%s: ChangedUDFs", c.name)
	}
}

func TestUDFsOfTheItemThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	changes := []Change{change(UDFs, `[{"name":"A","value":"1"}]`, `[{"name":"A","value":"2"}]`)}
	// An element that could not be carried over must not be lost silently.
	_, err := Overlay([]byte(`{"`+UDFs+`":[{"name":"A","value":"1"},null,{"name":"B","value":"9"}]}`), changes, nil)
	require.ErrorContains(t, err, "is not an object")
	_, err = Overlay([]byte(`{"`+UDFs+`":7}`), changes, nil)
	require.ErrorContains(t, err, "is not an array")

	// They are no one's business as long as they stay as they are.
	got, err := Overlay([]byte(`{"`+UDFs+`":[null, 7],"a":1}`), []Change{change("a", "1", "2")}, nil)
	require.NoError(t, err)
	exactly(t, `{"`+UDFs+`":[null, 7],"a":2}`, got)
}

func TestParseUDFs(t *testing.T) {
	t.Parallel()
	got, err := ParseUDFs(value(`[ {"name":"A", "value": "1"},{"name":"B","value":null},{"name":"C"} ]`))
	require.NoError(t, err)
	assert.Equal(t, []UDF{
		{Name: "A", Raw: value(`{"name":"A", "value": "1"}`), Value: value(`"1"`)},
		{Name: "B", Raw: value(`{"name":"B","value":null}`), Value: value(`null`)},
		{Name: "C", Raw: value(`{"name":"C"}`)},
	}, got)
	for _, none := range []string{``, `null`, `[]`} {
		got, err := ParseUDFs(value(none))
		require.NoError(t, err)
		assert.Empty(t, got)
	}
	for _, bad := range []string{`[{"name":"A"}`, `[{"name":"A"},1]`, `[{"name":"A"},`} {
		_, err := ParseUDFs(value(bad))
		require.Error(t, err, bad)
	}
}

// generator makes objects of every kind of value and spelling.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // the same objects every time
}

func (g generator) space() string { return []string{"", "", " ", "\n\t"}[g.IntN(4)] }

func (g generator) text() string {
	parts := []string{"a", " ", "ü", "😀", `\u00e9`, `\ud83d\ude00`, `\"`, `\\`, `\n`, `\/`, "0"}
	var b strings.Builder
	for range g.IntN(6) {
		b.WriteString(parts[g.IntN(len(parts))])
	}
	return `"` + b.String() + `"`
}

func (g generator) value(depth int) string {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch g.IntN(kinds) {
	case 0:
		return "null"
	case 1:
		return []string{"true", "false"}[g.IntN(2)]
	case 2:
		return []string{"0", "-0", "7", "1.50", "1E5", "12345678901234567890123", "-1e-400"}[g.IntN(7)]
	case 3, 4:
		return g.text()
	case 5:
		return g.array(depth)
	}
	return g.nested(depth)
}

func (g generator) array(depth int) string {
	var parts []string
	for range g.IntN(4) {
		parts = append(parts, g.space()+g.value(depth-1)+g.space())
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (g generator) nested(depth int) string {
	var parts []string
	for i := range g.IntN(4) {
		parts = append(parts, fmt.Sprintf("%s\"n%d\"%s:%s%s", g.space(), i, g.space(), g.space(), g.value(depth-1)))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// pair is a member as it is spelled.
type pair struct{ name, quoted, value string }

func (g generator) pairs() []pair {
	var all []pair
	for i := range g.IntN(12) {
		name := fmt.Sprintf("m%d", i)
		quoted := `"` + name + `"`
		if g.IntN(4) == 0 {
			quoted = strings.Replace(quoted, "m", `\u006d`, 1)
		}
		all = append(all, pair{name, quoted, g.value(3)})
	}
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (g generator) spell(all []pair) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, g.space()+p.quoted+g.space()+":"+g.space()+p.value+g.space())
	}
	return g.space() + "{" + strings.Join(parts, ",") + "}" + g.space()
}

// tight is an object without white space between its members.
func tight(all []pair) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, p.quoted+":"+p.value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestNothingButTheNamedMembersChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		g := newGenerator(seed)
		object := g.pairs()
		want := slices.Clone(object)
		var changes []Change
		for i := range want {
			if g.IntN(3) == 0 {
				want[i].value = g.value(3)
				changes = append(changes, Change{Name: want[i].name, Old: value(object[i].value), New: value(want[i].value)})
			}
		}
		g.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		if g.IntN(2) == 0 {
			added := pair{"added", `"added"`, g.value(3)}
			want = append(want, added)
			changes = append(changes, Change{Name: added.name, New: value(added.value)})
		}
		dropped := map[string]bool{}
		want = slices.DeleteFunc(want, func(p pair) bool {
			changed := slices.ContainsFunc(changes, func(c Change) bool { return c.Name == p.name })
			dropped[p.name] = !changed && g.IntN(5) == 0
			return dropped[p.name]
		})

		spelled := g.spell(object)
		got, err := Overlay([]byte(spelled), changes, func(name string) bool { return dropped[name] })
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, tight(want), string(got), "seed %d: %s with %v", seed, spelled, changes)
	}
}

func TestDiffOverlaidGivesTheEditedObject(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		g := newGenerator(seed)
		before := g.pairs()
		after := slices.Clone(before)
		for i := range after {
			if g.IntN(3) == 0 {
				after[i].value = g.value(3)
			}
		}
		changes, err := Diff([]byte(g.spell(before)), []byte(g.spell(after)))
		require.NoError(t, err, "seed %d", seed)
		for _, c := range changes {
			require.NotEqual(t, string(c.Old), string(c.New), "seed %d", seed)
		}
		got, err := Overlay([]byte(g.spell(before)), changes, nil)
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, tight(after), string(got), "seed %d", seed)
	}
}
