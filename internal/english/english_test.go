package english_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/internal/english"
)

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12_345: "12,345", 1_234_567: "1,234,567", -123: "-123", -1234: "-1,234",
	} {
		assert.Equal(t, want, english.Thousands(n))
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows", 1000: "1,000 rows"} {
		assert.Equal(t, want, english.Plural(n, "row", "rows"))
	}
}
