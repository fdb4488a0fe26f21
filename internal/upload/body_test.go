package upload_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/upload"
)

func TestBody_HoldsTheFileLast(t *testing.T) {
	t.Parallel()
	for size := range 9 {
		file := []byte("abcdefgh\xff"[:size+1])
		for name, r := range map[string]io.Reader{"sized": bytes.NewReader(file), "of unknown size": iotest.OneByteReader(bytes.NewReader(file))} {
			body, n, err := upload.Body(t.Context(), []byte(`{"title":"log"}`), r, 9)
			require.NoError(t, err, name)
			assert.Equal(t, int64(len(file)), n, name)
			var got struct {
				Title string `json:"title"`
				Data  string `json:"data"`
			}
			require.NoError(t, json.Unmarshal(body, &got), name)
			data, err := base64.StdEncoding.DecodeString(got.Data)
			require.NoError(t, err, name)
			assert.Equal(t, file, data, name)
			assert.Equal(t, "log", got.Title, name)
		}
	}
}

func TestBody_RefusesAFileForItsSize(t *testing.T) {
	t.Parallel()
	_, _, err := upload.Body(t.Context(), []byte(`{}`), strings.NewReader(""), 3)
	require.ErrorIs(t, err, upload.ErrEmpty)
	_, _, err = upload.Body(t.Context(), []byte(`{}`), strings.NewReader("four"), 3)
	require.ErrorIs(t, err, upload.ErrTooLarge)
}

func TestBody_PassesOnWhatBrokeTheFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	_, _, err := upload.Body(t.Context(), []byte(`{}`), io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), 9)
	require.ErrorIs(t, err, broken)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = upload.Body(ctx, []byte(`{}`), strings.NewReader("ab"), 9)
	require.ErrorIs(t, err, context.Canceled)
}
