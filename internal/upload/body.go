// Package upload puts a file into the body of a request.
package upload

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
)

// ErrTooLarge and ErrEmpty refuse a file for its size.
var (
	ErrTooLarge = errors.New("the file is too large")
	ErrEmpty    = errors.New("the file is empty")
)

// Body returns a JSON object with a file of at most the given size as its last
// member, "data", and the size of the file. The file is encoded as it is read, so
// that it is in memory once.
func Body(ctx context.Context, object []byte, file io.Reader, most int) (body []byte, size int64, err error) {
	const opening, closing = `,"data":"`, `"}`
	var b bytes.Buffer
	if sized, ok := file.(interface{ Len() int }); ok {
		encoded := base64.StdEncoding.EncodedLen(min(max(sized.Len(), 0), most+1))
		b.Grow(len(object) + len(opening) + encoded + len(closing))
	}
	b.Write(object[:len(object)-len("}")])
	b.WriteString(opening)
	encoder := base64.NewEncoder(base64.StdEncoding, &b)
	size, err = io.Copy(encoder, io.LimitReader(untilDone{ctx, file}, int64(most)+1))
	switch {
	case err != nil:
		return nil, 0, err
	case size > int64(most):
		return nil, 0, ErrTooLarge
	case size == 0:
		return nil, 0, ErrEmpty
	}
	_ = encoder.Close() // writes to memory
	b.WriteString(closing)
	return b.Bytes(), size, nil
}

// untilDone reads until the context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
