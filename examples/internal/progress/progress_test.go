package progress_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/examples/internal/progress"
)

func TestPlainLinesElsewhere(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := progress.New(&w)
	assert.False(t, l.Terminal)
	l.Show("one")
	l.Show("two")
	l.Clear()
	assert.Equal(t, "one\ntwo\n", w.String())
}

func TestOneLineOnATerminal(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	l := progress.New(&w)
	l.Terminal = true
	l.Show("three")
	l.Show("four")
	l.Clear()
	l.Clear()
	assert.Equal(t, "\rthree\rfour \r    \r", w.String())
}

func TestDevicesAreTerminalsAndFilesAreNot(t *testing.T) {
	t.Parallel()
	device, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer func() { _ = device.Close() }()
	assert.True(t, progress.New(device).Terminal)
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	assert.False(t, progress.New(file).Terminal)
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1_002_003: "1,002,003"} {
		assert.Equal(t, want, progress.Thousands(n))
	}
}
