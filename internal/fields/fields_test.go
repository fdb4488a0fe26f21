package fields

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wrapped is a three-state wrapper as the entities have it.
type wrapped[T any] struct {
	Value T
	State uint8
}

func (wrapped[T]) IsNull() bool { return false }

type kite struct {
	ID       int64              `json:"id,omitzero"`
	AnchorID int64              `json:"anchorID" autotask:"required,zero"`
	Title    string             `json:"title" autotask:"required,stabilising,max=40"`
	Colour   wrapped[int64]     `json:"colour,omitzero" autotask:"stabilising"`
	Made     wrapped[time.Time] `json:"made,omitzero" autotask:"readonly"`
	Due      wrapped[time.Time] `json:"due,omitzero" autotask:"always,day"`
	Flown    time.Time          `json:"flown"`
	Odd      string             `json:"odd" autotask:"max=many,unknown,,instead=,strange=1"`
	TailID   wrapped[int64]     `json:"tailID,omitzero" autotask:"instead=KiteTail"`
	Nothing  struct{}           `json:"nothing"`
	Later    struct {
		N int
		T time.Time
	} `json:"later"`
	Untagged string
	Hidden   string `json:"-"`
}

func TestTableOfTags(t *testing.T) {
	t.Parallel()
	table := Of(reflect.TypeFor[kite]())
	want := []*Field{
		{Name: "id", Plain: true},
		{Name: "anchorID", Plain: true, Required: true, ZeroIsValue: true},
		{Name: "title", Plain: true, Required: true, Stabilising: true, MaxLength: 40},
		{Name: "colour", Stabilising: true},
		{Name: "made", ReadOnly: true, IsTime: true},
		{Name: "due", Always: true, Day: true, IsTime: true},
		{Name: "flown", IsTime: true, Plain: true},
		{Name: "odd", Plain: true},
		{Name: "tailID", Instead: "KiteTail"},
		{Name: "nothing", Plain: true},
		{Name: "later", Plain: true},
	}
	assert.Equal(t, want, rulesOf(table), "in the order of the struct, by the names of the wire")
	for _, f := range table.All {
		assert.Same(t, f, table.Lookup(f.Name))
		held := reflect.TypeFor[kite]().Field(f.Index)
		if _, wrapped := reflect.Zero(held.Type).Interface().(interface{ IsNull() bool }); wrapped {
			held = held.Type.Field(0)
		}
		assert.Equal(t, held.Type, f.Type, f.Name)
	}
	for _, name := range []string{"Title", "TITLE", "Untagged", "Hidden", "-", ""} {
		assert.Nil(t, table.Lookup(name), name)
	}
	for name, want := range map[string]string{"Title": "title", "TITLE": "title", "title": "title", "tailid": "tailID"} {
		require.NotNil(t, table.Find(name), name)
		assert.Equal(t, want, table.Find(name).Name)
	}
	for _, name := range []string{"Untagged", "", "titl"} {
		assert.Nil(t, table.Find(name), name)
	}
	assert.True(t, table.IsReadOnly("made"))
	assert.False(t, table.IsReadOnly("title"))
	assert.False(t, table.IsReadOnly("unknown to the type"))
}

// rulesOf are the fields of a table without where they are in the struct.
func rulesOf(table *Table) []*Field {
	rules := make([]*Field, len(table.All))
	for i, f := range table.All {
		rule := *f
		rule.Index, rule.Type = 0, nil
		rules[i] = &rule
	}
	return rules
}

func TestFieldsThatAreNotExportedAreLeftOut(t *testing.T) {
	t.Parallel()
	// By hand: go vet refuses such a tag in a source file.
	table := Of(reflect.StructOf([]reflect.StructField{
		{Name: "secret", PkgPath: "kites", Type: reflect.TypeFor[string](), Tag: `json:"secret"`},
		{Name: "Public", Type: reflect.TypeFor[string](), Tag: `json:"public"`},
	}))
	assert.Equal(t, []*Field{{Name: "public", Plain: true}}, rulesOf(table))
	assert.Equal(t, 1, table.Lookup("public").Index)
	assert.Nil(t, table.Lookup("secret"))
}

func TestWhatIsNoStructHasNoFields(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[*kite](), reflect.TypeFor[string](), reflect.TypeFor[error]()} {
		assert.Empty(t, Of(typ).All, typ)
		assert.Nil(t, Of(typ).Find("title"), typ)
		assert.Nil(t, Of(typ).Lookup("title"), typ)
	}
}

func TestTableIsMadeOnceAType(t *testing.T) {
	t.Parallel()
	type reel struct {
		ID int64 `json:"id"`
	}
	tables := make([]*Table, 20)
	var wg sync.WaitGroup
	for i := range tables {
		wg.Go(func() { tables[i] = Of(reflect.TypeFor[reel]()) })
	}
	wg.Wait()
	for _, table := range tables {
		assert.Same(t, tables[0], table)
	}
	assert.NotSame(t, tables[0], Of(reflect.TypeFor[kite]()))
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]bool{
		``: true, `null`: true, `""`: true, `" \t\n"`: true, `"\u0020"`: true, `"\u00a0"`: true,
		`"x"`: false, `"0"`: false, `"null"`: false,
		`0`: false, `0.0`: false, `1`: false, `-1`: false, `0.5`: false,
		`false`: false, `true`: false, `[]`: false, `{}`: false,
	} {
		assert.Equal(t, want, (&Field{}).Missing(jsontext.Value(v)), "%q", v)
		assert.Equal(t, want || v == `0`, (&Field{Plain: true}).Missing(jsontext.Value(v)), "%q, where absent and 0 are one", v)
	}
	zero := &Field{Plain: true, ZeroIsValue: true}
	assert.False(t, zero.Missing(jsontext.Value(`0`)))
	assert.True(t, zero.Missing(jsontext.Value(`null`)))
	assert.True(t, zero.Missing(nil))
}

func TestDropped(t *testing.T) {
	t.Parallel()
	f := &Field{Name: "tailID", Instead: "KiteTail"}
	for v, want := range map[string]bool{`7`: true, `0`: true, `null`: false, ``: false} {
		got := f.Dropped(jsontext.Value(v))
		assert.Equal(t, want, got != "", "%q", v)
		if want {
			assert.Contains(t, got, "create a KiteTail instead")
		}
		assert.Empty(t, (&Field{Name: "tailID"}).Dropped(jsontext.Value(v)))
	}
}

func TestTooLongCountsUTF16(t *testing.T) {
	t.Parallel()
	f := &Field{Name: "title", MaxLength: 4}
	for _, c := range []struct {
		text string
		n    int // 0: fits
	}{
		{``, 0}, {`abcd`, 0}, {`abcde`, 5},
		{`äöüß`, 0}, {`äöüßä`, 5},
		{`日本語字`, 0}, {`日本語字日`, 5},
		{`😀😀`, 0}, {`😀😀a`, 5}, {`😀😀😀`, 6},
		{`\n\t\"\\`, 0}, {`\n\t\"\\\/`, 5},
		{`\u0061\u0062\u0063\u0064`, 0}, {`\u0061\u0062\u0063\u0064e`, 5},
		{`\ud83d\ude00\ud83d\ude00`, 0}, {`\ud83d\ude00\ud83d\ude00a`, 5},
		{`👩‍👩`, 5}, // three characters, two of which take two units
	} {
		got := f.TooLong(jsontext.Value(`"` + c.text + `"`))
		if c.n == 0 {
			assert.Empty(t, got, c.text)
			continue
		}
		assert.Equal(t, fmt.Sprintf("title has %d characters, the limit is 4", c.n), got, c.text)
	}
	for _, v := range []string{``, `null`, `123456`, `["abcdef"]`, `{"abc":"def"}`} {
		assert.Empty(t, f.TooLong(jsontext.Value(v)), "only texts have a length: %s", v)
	}
	assert.Empty(t, (&Field{}).TooLong(jsontext.Value(`"`+strings.Repeat("x", 1<<16)+`"`)), "no limit")
}

func TestLengthIsOfUTF16(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"": 0, "abc": 3, "ä": 1, "日": 1, "😀": 2, "a😀b": 4, "\U0010FFFF": 2, "\uFFFF": 1, "\xff\xfe": 2,
	} {
		assert.Equal(t, want, Length(s), "%q", s)
	}
}

// holding is a case of Holds: want was written, got is read back, before is
// what was there.
type holding struct {
	want, got, before string
	holds             bool
}

func check(t *testing.T, f *Field, cases []holding) {
	t.Helper()
	for _, c := range cases {
		got := f.Holds(jsontext.Value(c.want), jsontext.Value(c.got), jsontext.Value(c.before))
		assert.Equal(t, c.holds, got, "want %s, got %s, before %s", c.want, c.got, c.before)
	}
}

func TestHoldsTime(t *testing.T) {
	t.Parallel()
	const at = `"2026-11-23T15:04:05.678Z"`
	check(t, &Field{IsTime: true}, []holding{
		{at, at, ``, true},
		{at, `"2026-11-23T15:04:05.678"`, ``, true}, // without a zone it is UTC
		{at, `"2026-11-23T16:04:05.678+01:00"`, ``, true},
		{at, `"2026-11-23T10:04:05.678000-05:00"`, ``, true},
		{at, `"2026-11-23T15:04:05.677"`, ``, true}, // the database rounds to a 300th of a second
		{at, `"2026-11-23T15:04:05.68"`, ``, true},
		{at, `"2026-11-23T15:04:05.6746666"`, ``, true},
		{at, `"2026-11-23T15:04:05.668"`, ``, false},
		{at, `"2026-11-23T15:04:05.688"`, ``, false},
		{at, `"2026-11-23T15:04:06"`, ``, false},
		{at, `"2026-11-23T15:04:05.678+01:00"`, ``, false},
		{at, `"2027-11-23T15:04:05.678Z"`, ``, false},
		{at, `"0001-01-01T00:00:00"`, ``, false},
		{at, `null`, ``, false},
		{at, ``, ``, false},
		{at, `""`, ``, false},
		{at, `7`, ``, false},
		{at, `"soon"`, ``, false},
		{`"soon"`, `"soon"`, ``, true},
		{`null`, at, ``, false},
		{`null`, `null`, at, true},
		{`null`, ``, at, true},
	})
}

// Of a field that is no day, or not known to be one, only the instant counts:
// a date that the server cut to midnight may be another day than was meant.
func TestHoldsNoMidnightForAnotherTime(t *testing.T) {
	t.Parallel()
	const (
		at       = `"2026-12-30T23:00:00Z"` // 31 December in Amsterdam
		midnight = `"2026-12-30T00:00:00"`
	)
	for _, name := range []string{"", "dueDate", "dueDateTime", "date"} {
		check(t, &Field{Name: name, IsTime: true}, []holding{
			{at, midnight, ``, false},
			{at, midnight, `null`, false},
			{at, midnight, `"2026-11-20T00:00:00"`, false},
			{at, midnight, midnight, false},
			{at, `"2026-12-31T00:00:00"`, ``, false},
			{at, at, ``, true},
			{midnight, midnight, midnight, true}, // it is what was wanted, whatever was there
			{`"2026-12-30"`, midnight, ``, true},
		})
	}
}

func TestHoldsTheSameDayOnly(t *testing.T) {
	t.Parallel()
	const day = `"2026-12-31T00:00:00Z"`
	check(t, &Field{Name: "endDate", IsTime: true, Day: true}, []holding{
		{day, day, ``, true},
		{day, `"2026-12-31T00:00:00"`, ``, true},
		{day, `"2026-12-31"`, `null`, true},
		{day, `"2026-12-31T06:00:00.000Z"`, ``, true}, // old rows have a time
		{day, `"2026-12-31T23:59:59"`, ``, true},
		{day, `"2026-12-31T00:00:00+02:00"`, ``, true},
		{day, `"2026-12-30T00:00:00"`, ``, false},
		{day, `"2026-12-30T23:00:00Z"`, ``, false}, // it converted
		{day, `"2027-01-01T00:00:00"`, ``, false},
		{day, `"2026-12-30T23:59:59.999Z"`, ``, false},
		{day, `null`, ``, false},
		{day, ``, ``, false},
		{day, `"31.12.2026"`, ``, false},
		{`null`, day, ``, false},
		{`null`, `null`, day, true},
	})
}

func TestCheckDay(t *testing.T) {
	t.Parallel()
	amsterdam := time.FixedZone("CET", 3600)
	f := &Field{Name: "endDate", IsTime: true, Day: true}
	require.NoError(t, f.CheckDay(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, f.CheckDay(time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, f.CheckDay(time.Date(2026, 12, 31, 1, 0, 0, 0, amsterdam)), "the same instant")
	for _, at := range []time.Time{
		time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam),
		time.Date(2026, 12, 31, 0, 0, 0, 1, time.UTC),
		time.Date(2026, 12, 31, 12, 30, 0, 0, time.UTC),
	} {
		require.ErrorContains(t, f.CheckDay(at), "endDate is a day")
		require.ErrorContains(t, f.CheckDay(at.UTC()), "autotask.Day(year, month, day)", "which day, UTC does not tell")
		require.NoError(t, (&Field{Name: "createDate", IsTime: true}).CheckDay(at))
	}
	require.ErrorContains(t, f.CheckDay(time.Date(2026, 12, 31, 0, 0, 0, 0, amsterdam)), "autotask.Day(2026, 12, 31)")
	for v, want := range map[string]bool{
		`"2026-12-31T00:00:00Z"`: false, `"2026-12-31"`: false, `null`: false, `"soon"`: false, `7`: false, ``: false,
		`"2026-12-30T23:00:00Z"`: true, `"2026-12-31T00:00:00.001Z"`: true,
	} {
		assert.Equal(t, want, f.NotADay(jsontext.Value(v)) != "", v)
	}
}

func TestHoldsNumber(t *testing.T) {
	t.Parallel()
	check(t, &Field{}, []holding{
		{`5`, `5`, ``, true},
		{`5`, `5.0`, ``, true},
		{`5`, `5.0000`, ``, true},
		{`5`, `5e0`, ``, true},
		{`5`, `"5"`, ``, true}, // as decoding takes it
		{`5`, `" 5 "`, ``, true},
		{`0`, `0`, ``, true},
		{`0`, `-0`, ``, true},
		{`1.25`, `1.2500`, ``, true},
		{`0.33333333333333`, `0.3333`, ``, true},
		{`0.66666666666667`, `0.6667`, ``, true},
		{`0.3333`, `0.3334`, ``, false},
		{`0.3334`, `0.3333`, ``, false},
		{`5`, `6`, ``, false},
		{`6`, `5`, ``, false},
		{`5`, `-5`, ``, false},
		{`0`, `null`, ``, false}, // 0 is a value
		{`0`, ``, ``, false},
		{`0`, `""`, ``, false},
		{`0`, `false`, ``, false},
		{`5`, `"five"`, ``, false},
		{`5`, `[5]`, ``, false},
		{`null`, `0`, ``, false},
		{`9007199254740993`, `9007199254740993`, ``, true},
		{`9007199254740993`, `9007199254740992`, ``, false}, // one and the same as floating-point numbers
		{`9223372036854775807`, `9223372036854775806`, ``, false},
		{`92233720368547758070`, `92233720368547758071`, ``, false}, // beyond 64 bits
		{`92233720368547758070`, `92233720368547758070.0`, ``, true},
		{`1e3`, `1000.0000`, ``, true},
		{`5`, `5.00003`, ``, false}, // a whole number is not rounded
		{`1.33333`, `1.3333`, `1.2`, true},
		{`1.33333`, `1.3333`, `null`, true},
		{`1.33333`, `1.3333`, `1.3333`, false}, // as it was before
		{`1.33333`, `1.33330`, `1.3333`, false},
		{`1.3333`, `1.33330`, `1.3333`, true},
		{`5`, `NaN`, ``, false},
		{`5`, `"0x5"`, ``, false},
	})
}

func TestHoldsText(t *testing.T) {
	t.Parallel()
	check(t, &Field{}, []holding{
		{`"a"`, `"a"`, ``, true},
		{`"a\nb"`, `"a\r\nb"`, ``, true},
		{`"a\r\nb"`, `"a\nb"`, ``, true},
		{`"a\rb"`, `"a\nb"`, ``, true},
		{`" a "`, `"a"`, ``, true},
		{`"a"`, `"\t a\r\n"`, ``, true},
		{`"\u00e9"`, `"é"`, ``, true},
		{`"\/"`, `"/"`, ``, true},
		{`"5"`, `5`, ``, true}, // as decoding takes it
		{`"a"`, `"A"`, ``, false},
		{`"a b"`, `"a  b"`, ``, false},
		{`"a\n\nb"`, `"a\nb"`, ``, false},
		{`"a"`, `"ab"`, ``, false},
		{`"a"`, `null`, ``, false},
		{`"a"`, ``, ``, false},
		{`"a"`, `""`, ``, false},
		{`"null"`, `null`, ``, false},
	})
}

func TestHoldsNullAndEmptyTextAlike(t *testing.T) {
	t.Parallel()
	for _, want := range []string{`null`, `""`, `" \r\n"`} {
		check(t, &Field{}, []holding{
			{want, `null`, ``, true},
			{want, `""`, ``, true},
			{want, `" "`, ``, true},
			{want, ``, ``, true},
			{want, `"x"`, ``, false},
			{want, `0`, ``, false},
			{want, `false`, ``, false},
			{want, `[]`, ``, false},
		})
	}
}

func TestHoldsOthers(t *testing.T) {
	t.Parallel()
	check(t, &Field{}, []holding{
		{`true`, `true`, ``, true},
		{`false`, `false`, ``, true},
		{`true`, `1`, ``, true}, // as decoding takes it
		{`false`, `0`, ``, true},
		{`true`, `"True"`, ``, true},
		{`true`, `false`, ``, false},
		{`false`, `true`, ``, false},
		{`true`, `0`, ``, false},
		{`true`, `2`, ``, false},
		{`false`, `null`, ``, false},
		{`false`, ``, ``, false},
		{`[1,2]`, `[1,2]`, ``, true},
		{`[1,2]`, `[2,1]`, ``, false},
		{`{}`, `{}`, ``, true},
		{`{}`, `[]`, ``, false},
	})
}

func TestEven(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "", " \r\n ": "", "a": "a", " a b ": "a b", "a\r\nb\rc\nd": "a\nb\nc\nd", "a\r\r\nb": "a\n\nb",
	} {
		assert.Equal(t, want, Even(s), "%q", s)
	}
}

func TestPlainFieldsHaveNoStates(t *testing.T) {
	t.Parallel()
	table := Of(reflect.TypeFor[kite]())
	assert.True(t, table.Lookup("title").Plain)
	assert.True(t, table.Lookup("flown").Plain)
	assert.False(t, table.Lookup("colour").Plain)
	assert.False(t, table.Lookup("made").Plain)
}

func TestIsZero(t *testing.T) {
	t.Parallel()
	for _, v := range []string{`null`, `""`, `0`, `false`, `[]`, `{}`} {
		assert.True(t, IsZero(jsontext.Value(v)), v)
	}
	for _, v := range []string{`1`, `" "`, `"0"`, `true`, `[0]`, `{"a":0}`, ``} {
		assert.False(t, IsZero(jsontext.Value(v)), v)
	}
}

func TestSameText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`"Gold"`, `"Gold"`, true},
		{`"Gold"`, `"gold"`, false},
		{`" a\r\nb "`, `"a\nb"`, true},
		{`"1.5"`, `"1.5000"`, true},
		{`"1.5"`, `"1.6"`, false},
		{`"12"`, `"12.0"`, true},
		{`"2026-11-23"`, `"2026-11-23T00:00:00"`, true},
		{`"2026-11-23T01:00:00+01:00"`, `"2026-11-23T00:00:00Z"`, true},
		{`"2026-11-23"`, `"2026-11-24"`, false},
		{`"2026-11-23"`, `"soon"`, false},
		{`"soon"`, `"2026-11-23"`, false},
		{`null`, `null`, true},
		{`null`, `""`, true},
		{`""`, ``, true},
		{`null`, `"x"`, false},
		{`"x"`, `null`, false},
		{`"0"`, `null`, false},
		{`"NaN"`, `"nan"`, false},
	} {
		assert.Equal(t, c.same, SameText(jsontext.Value(c.want), jsontext.Value(c.got)), "%s, %s", c.want, c.got)
	}
}

func TestSameUDF(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got, before string
		same              bool
	}{
		// Taken, and written by the server in its own way.
		{`"30"`, `"30.0000"`, `"1"`, true},
		{`"30"`, `"30.0000"`, `null`, true},
		{`"30"`, `"30.0000"`, ``, true},
		{`"1.10"`, `"1.1"`, `"1.2"`, true},
		{`"1e5"`, `"100000"`, `"7"`, true},
		{`"-0.5"`, `"-.5000"`, `"1"`, true},
		{`"2026-11-23"`, `"2026-11-23T00:00:00"`, `"2026-11-22T00:00:00"`, true},
		{`"Gold"`, `"Gold"`, `"Silver"`, true},
		{`" a\r\nb "`, `"a\nb"`, `"c"`, true},
		{`"same"`, `"same"`, `"same"`, true},
		{`5`, `"5"`, `"4"`, true},
		{`null`, `""`, `"x"`, true},
		{`null`, ``, `"x"`, true},

		// Ignored: the text stands as before, whatever number it is.
		{`"1.10"`, `"1.1"`, `"1.1"`, false},
		{`"007"`, `"7"`, `"7"`, false},
		{`"1e5"`, `"100000"`, `"100000"`, false},
		{`"30.0000"`, `"30"`, `"30"`, false},
		{`"2026-11-23T00:00:00"`, `"2026-11-23"`, `"2026-11-23"`, false},
		{`"12345678901234567891"`, `"12345678901234567890"`, `"12345678901234567890"`, false},
		{`"52.37025"`, `"52.37021"`, `"52.37021"`, false},

		// Something else is there.
		{`"12345678901234567891"`, `"12345678901234567890"`, `"1"`, false},
		{`"52.37025"`, `"52.37021"`, `"1"`, false},
		{`"0.1"`, `"0.10000000000000001"`, `"1"`, false},
		{`"Gold"`, `"gold"`, `"x"`, false},
		{`"30"`, `"31"`, `"1"`, false},
		{`"x"`, `null`, `"y"`, false},
		{`null`, `"x"`, `"x"`, false},
		{`"NaN"`, `"nan"`, `"1"`, false},
		{`"1e999999999999"`, `"1e999999999998"`, `"1"`, false},
	} {
		assert.Equal(t, c.same, SameUDF(jsontext.Value(c.want), jsontext.Value(c.got), jsontext.Value(c.before)), "%s, %s, before %s", c.want, c.got, c.before)
	}
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"0", "-0", "0.00", "000", "0e7", "+0"},
		{"1", "1.0", "01", "+1", "1e0", "10e-1", "0.1E1"},
		{"-12000", "-12e3", "-1.2e+4", "-12000.0000"},
		{"0.05", ".05", "5e-2", "0.0500"},
	} {
		for _, a := range same {
			for _, b := range same {
				assert.True(t, sameDecimal(a, b), "%s, %s", a, b)
			}
			assert.False(t, sameDecimal(a, "77"), a)
		}
	}
	for _, s := range []string{"", "-", ".", "e5", "1e", "1e1.5", "1_000", "1,5", "0x1", "--1", "+-1", "1e1001", "1e-1001", "1e99999999999999999999", " 1"} {
		_, ok := parseDecimal(s)
		assert.False(t, ok, "%q", s)
	}
}

func TestFieldsThatAreCalledDateTimeKeepTheirTimeOfDay(t *testing.T) {
	t.Parallel()
	const at, midnight = `"2026-11-23T15:04:05Z"`, `"2026-11-23T00:00:00"`
	check(t, &Field{Name: "dueDateTime", IsTime: true}, []holding{{at, midnight, ``, false}, {at, at, ``, true}, {midnight, midnight, ``, true}})
	check(t, &Field{Name: "dateWorked", IsTime: true, Day: true}, []holding{{at, midnight, ``, true}})
}
