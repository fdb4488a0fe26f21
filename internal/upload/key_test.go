package upload_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/autotask-go/autotask/internal/upload"
)

func TestKey_DifferenceNamesTheFirst(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	want := upload.Key{Kind: upload.File, Title: "log", FullPath: "log.txt", Size: 7}
	for difference, change := range map[string]func(k *upload.Key, at *time.Time){
		"":                               func(*upload.Key, *time.Time) {},
		"the type URL":                   func(k *upload.Key, _ *time.Time) { k.Kind = "URL" },
		`the title "Log"`:                func(k *upload.Key, _ *time.Time) { k.Title = "Log" },
		`the full path "b"`:              func(k *upload.Key, _ *time.Time) { k.FullPath = "b" },
		"a size of 8 bytes instead of 7": func(k *upload.Key, _ *time.Time) { k.Size = 8 },
		"the date 2026-11-23 14:59:59 +0000 UTC, before this piece of work began": func(_ *upload.Key, at *time.Time) {
			*at = since.Add(-time.Second)
		},
	} {
		got, at := want, since
		change(&got, &at)
		assert.Equal(t, difference, want.Difference(got, at, since))
	}

	unsized := want
	unsized.Size = 0
	assert.Empty(t, want.Difference(unsized, since, since), "a size that is not told is no difference")
}

func TestIsLink(t *testing.T) {
	t.Parallel()
	assert.True(t, upload.IsLink("URL"))
	assert.False(t, upload.IsLink(upload.File))
	assert.False(t, upload.IsLink("url"), "Autotask's spelling")
}
