package fields_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/internal/fields"
)

func TestSameProse(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"", ""},
		{"Backup checked", "Backup checked  "},
		{"Backup checked", "Backup\u00a0checked"},
		{"a\r\nb", "a\nb"},
		{"a\n\nb", "a b"},
		{"Disk < 5 % & growing", "Disk &lt; 5 % &amp; growing"},
		{"literal &amp;", "literal &amp;amp;"},
		{"It's", "It&#39;s"},
		{"zero\u200bwidth\ufeff", "zerowidth"},
		{"Cafe\u0301 closed", "Caf\u00e9 closed"},
		{"Caf\u00e9", "Cafe\u0301"},
		{"A\u030a\u0301", "\u01fa"},
		{"\u1e69", "s\u0323\u0307"},
		{"\u1e61\u0323", "s\u0323\u0307"},
		{"Привет", "Привет"},
	} {
		assert.True(t, fields.SameProse(same[0], same[1]), "%q and %q", same[0], same[1])
		assert.True(t, fields.SameProse(same[1], same[0]), "%q and %q", same[1], same[0])
	}
	for _, other := range [][2]string{
		{"", "a"},
		{"run 1", "run 2"},
		{"run 1", "run1"},
		{"Cafe", "Caf\u00e9"},
		{"Cafe\u0301", "Cafe"},
		{"Cafe\u0301", "Cafi"},
		{"Привет", "Приве"},
		{"aa", "a"},
	} {
		assert.False(t, fields.SameProse(other[0], other[1]), "%q and %q", other[0], other[1])
		assert.False(t, fields.SameProse(other[1], other[0]), "%q and %q", other[1], other[0])
	}
}
