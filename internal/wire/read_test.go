package wire

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	second := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"2026-11-23T15:04:05":                 second,
		"2026-11-23T15:04:05Z":                second,
		"2026-11-23T15:04:05.00Z":             second,
		"2026-11-23T15:04:05.5":               second.Add(500 * time.Millisecond),
		"2026-11-23T15:04:05.56Z":             second.Add(560 * time.Millisecond),
		"2026-11-23T15:04:05.563":             second.Add(563 * time.Millisecond),
		"2026-11-23T15:04:05.1234567":         second.Add(123456700),
		"2026-11-23T15:04:05.123456789Z":      second.Add(123456789),
		"2026-11-23T15:04:05.123456789123456": second.Add(123456789),
		"2026-11-23T16:04:05+01:00":           second,
		"2026-11-23T10:04:05.5-05:00":         second.Add(500 * time.Millisecond),
		"2026-11-23T20:34:05+05:30":           second,
		"2026-11-23":                          time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00":                 {},
		"2024-02-29T23:59:59.999":             time.Date(2024, 2, 29, 23, 59, 59, 999e6, time.UTC),
	} {
		got, err := ParseTime(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, "%s, in UTC", s)
	}
	for _, s := range []string{
		"", "Z", "soon", "15:04", "2026-11-23T15:04", "2026-13-01", "2026-02-30T00:00:00", "2026-11-23T25:00:00",
		"2026-11-23 15:04:05", "23.11.2026", "1764000000", "2026-11-23T15:04:05.Z", "2026-11-23T15:04:05+25:00",
		"2026-11-23T15:04:05ZZ", " 2026-11-23T15:04:05",
	} {
		got, err := ParseTime(s)
		require.ErrorContains(t, err, "is not a date-time", "%q", s)
		assert.Zero(t, got, s)
	}
	_, err := ParseTime(strings.Repeat("x", 1000))
	assert.Less(t, len(err.Error()), 100, "the text of the error is bounded")
}

func TestFormatTime(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("somewhere", -5*60*60)
	for want, at := range map[string]time.Time{
		"2026-11-23T15:04:05Z":     time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC),
		"2026-11-23T15:04:05.5Z":   time.Date(2026, 11, 23, 15, 4, 5, 500e6, time.UTC),
		"2026-11-23T15:04:05.123Z": time.Date(2026, 11, 23, 15, 4, 5, 123999999, time.UTC),
		"2026-11-24T01:00:00Z":     time.Date(2026, 11, 23, 20, 0, 0, 0, zone),
		"0001-01-01T00:00:00Z":     {},
	} {
		assert.Equal(t, want, FormatTime(at))
	}
}

func TestFormattedTimesAreParsedBack(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(1e9, 123e6), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)} {
		got, err := ParseTime(FormatTime(at))
		require.NoError(t, err)
		assert.True(t, got.Equal(at), "%v, not %v", got, at)
	}
}

func TestTextIsWhatStandsForIt(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`""`: "", `"a b"`: "a b", `"caf\u00e9"`: "café", `"\""`: `"`, `"é"`: "é", "\"a\xff\"": "a\uFFFD", "5.0": "5.0", "true": "true", "": "",
	} {
		v := jsontext.Value(raw)
		assert.Equal(t, want, Text(v), raw)
		if IsVerbatim(v) {
			assert.Equal(t, want, raw[1:len(raw)-1], raw)
		}
	}
	for _, raw := range []string{"", `"`, "5", `"\n"`, "\"\xff\""} {
		assert.False(t, IsVerbatim(jsontext.Value(raw)), raw)
	}
}

func TestParseTimeReadsBytesAsText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"2026-03-14", "2026-03-14T09:26:53", "2026-03-14T09:26:53Z", "2026-03-14T09:26:53.5", "2026-03-14T09:26:53.123456789+02:00",
		"2026-03-14T09:26:53.12345678912345678912345678", "", "Z", "2026-02-30", "2026-03-14T9:26:53", "nonsense",
	} {
		a, errA := ParseTime(s)
		b, errB := ParseTime([]byte(s))
		assert.Equal(t, errA == nil, errB == nil, s)
		assert.Equal(t, a, b, s)
	}
}
