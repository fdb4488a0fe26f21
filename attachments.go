package autotask

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/limit"
	"github.com/autotask-go/autotask/internal/transport"
)

// Attachable entities are attachments: children that hold a file or a link.
type Attachable interface {
	Gettable
	Queryable
	Creatable
	Child
	CanAttach()
}

// What Autotask allows of attachments. Its pages say 6 to 7 MB a file: what
// every tenant accepts is the lower, in units of 1000. The second limit is theirs
// for a user or an integration.
const (
	maxFile       = 6_000_000
	maxFiles      = limit.MaxUploads // bytes of all files in the window
	filesInWindow = limit.UploadsWindow
)

// The types of an attachment. All but the first are links.
const fileAttachment = "FILE_ATTACHMENT"

var linkTypes = []string{"FILE_LINK", "FOLDER_LINK", "URL"}

// Upload creates an attachment from v and all of content and returns its id
// (POST {parent}/{id}/Attachments). Lost answers: see [Create].
//
//   - Title, FullPath (the file's name) and Publish are required; a wrong
//     Publish shows internal files to the customer.
//   - A link has an AttachmentType of FILE_LINK, FOLDER_LINK or URL, its target
//     as FullPath, and no content.
//   - Data and ContentType are absent; for a file in Data use [Create].
//   - Files have 1 to [MaxFileBytes]. More than [MaxFilesBytes] in
//     [FilesWindow] would lock Autotask's uploads for a while, so they are
//     [ErrRateLimited].
func Upload[T Attachable](ctx context.Context, c *Client, v *T, content io.Reader) (int64, error) {
	return upload(ctx, c, v, content)
}

// createAttachment is Create for attachments: no limit depends on the way in.
func createAttachment[T Entity](ctx context.Context, c *Client, v *T) (int64, error) {
	if v == nil {
		return upload(ctx, c, v, nil)
	}
	item := *v
	a, err := attachmentOf(http.MethodPost, &item)
	if err != nil {
		return 0, err
	}
	var content io.Reader
	if data, ok := a.data.Get(); ok {
		content = bytes.NewReader(data)
	}
	*a.data = Optional[[]byte]{}
	return upload(ctx, c, &item, content)
}

func upload[T Entity](ctx context.Context, c *Client, v *T, content io.Reader) (int64, error) {
	r, err := prepareUpload(ctx, v, content)
	if err != nil {
		return 0, err
	}
	e, err := wantedOf(v, r)
	if err != nil {
		return r.send(ctx, c) // it cannot be searched for
	}
	return c.createFindable(ctx, e, r.newOne(c))
}

// newOne shows everything of the attachment in an error but its file.
func (r *preparedUpload) newOne(c *Client) newOne {
	return newOne{r.path, r.fields, func(ctx context.Context) (int64, error) { return r.send(ctx, c) }}
}

// preparedUpload is a new attachment that was checked and whose file was read.
type preparedUpload struct {
	path   string
	fields []byte // what is sent, without the file
	body   []byte // the fields, and the file last
	size   int64  // of the file; 0 for a link
}

// prepareUpload checks an attachment and reads its file to the end.
func prepareUpload[T Entity](ctx context.Context, v *T, content io.Reader) (*preparedUpload, error) {
	if isNilPointer(content) {
		return nil, invalid(http.MethodPost, collection[T](), "the content is a nil %T", content)
	}
	path, fields, err := newAttachment(v, content != nil)
	if err != nil {
		return nil, err
	}
	r := &preparedUpload{path: path, fields: fields, body: fields}
	if content != nil {
		r.body, r.size, err = withFile(ctx, path, fields, content)
	}
	return r, err
}

// isNilPointer reports whether an interface holds a pointer or a function that
// is nil, which is not a nil interface and panics when it is called.
func isNilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// send uploads the attachment once.
func (r *preparedUpload) send(ctx context.Context, c *Client) (int64, error) {
	settle, err := c.core.uploads.Reserve(r.size)
	if full, ok := errors.AsType[*limit.Refusal](err); ok {
		e := refusal(transport.RateLimited, http.MethodPost, r.path, full.Message)
		e.RetryAfter = full.RetryAfter
		err = e
	}
	if err != nil {
		return 0, err
	}
	ran := true // for all we know, should the write never return
	defer func() { settle(ran) }()
	id, err := c.write(ctx, http.MethodPost, r.path, r.body)
	var unknown *Error
	if errors.Is(err, ErrOutcomeUnknown) && errors.As(err, &unknown) {
		unknown.Sent = r.fields
		return 0, unknown
	}
	ran = err == nil
	return id, err
}

// newAttachment checks an attachment, its file aside, and says where to POST
// what.
func newAttachment[T Entity](v *T, hasFile bool) (path string, fields []byte, err error) {
	if v == nil {
		return newItem(v)
	}
	item := *v
	a, err := attachmentOf(http.MethodPost, &item)
	if err != nil {
		return "", nil, err
	}
	if _, given := a.kind.Get(); !given && hasFile {
		a.kind.Set(fileAttachment)
	}
	if path, fields, err = newItem(&item); err != nil {
		return "", nil, err
	}
	return path, fields, a.checkKind(path, hasFile)
}

// attachment is what two fields of an attachment hold, to read and to set.
type attachment struct {
	data *Optional[[]byte]
	kind *Optional[string]
}

// attachmentOf finds the fields. A type of a caller's own may lack them.
func attachmentOf[T Entity](method string, v *T) (attachment, error) {
	if err := checkCollection[T](); err != nil {
		return attachment{}, invalid(method, collection[T](), "%v", err)
	}
	fields := reflect.ValueOf(v).Elem()
	data, hasData := pointerTo[Optional[[]byte]](fields, "Data")
	kind, hasKind := pointerTo[Optional[string]](fields, "AttachmentType")
	if !hasData || !hasKind {
		return attachment{}, invalid(method, collection[T](),
			"an attachment needs the fields Data, an Optional[[]byte], and AttachmentType, an Optional[string]; %T lacks one", *v)
	}
	return attachment{data, kind}, nil
}

func pointerTo[F any](fields reflect.Value, name string) (*F, bool) {
	f := fields.FieldByName(name)
	if !f.IsValid() {
		return nil, false
	}
	p, ok := f.Addr().Interface().(*F)
	return p, ok
}

// checkKind holds the type of a new attachment and whether it comes with a file
// against each other.
func (a attachment) checkKind(path string, hasFile bool) error {
	kind := a.kind.Or("")
	isLink := slices.Contains(linkTypes, kind)
	switch {
	case !a.data.IsZero():
		return invalid(http.MethodPost, path, "Data is set: Upload takes the file from its content alone; leave Data absent, or use Create")
	case kind != fileAttachment && !isLink:
		return invalid(http.MethodPost, path, "%s is not an attachmentType: use %s, or one of the links %v", excerpt(strconv.Quote(kind)), fileAttachment, linkTypes)
	case isLink && hasFile:
		return invalid(http.MethodPost, path, "an attachment of type %s is a link and has no content: fullPath is its target", kind)
	case !isLink && !hasFile:
		return refusal(transport.MissingField|transport.Invalid, http.MethodPost, path, "an attachment of type "+kind+" needs content")
	}
	return nil
}

// withFile returns the body of an upload: the fields, and the file last. It is
// encoded as it is read, so that the file is in memory once.
func withFile(ctx context.Context, path string, fields []byte, content io.Reader) (body []byte, size int64, err error) {
	const opening, closing = `,"data":"`, `"}`
	var b bytes.Buffer
	if sized, ok := content.(interface{ Len() int }); ok {
		most := base64.StdEncoding.EncodedLen(min(max(sized.Len(), 0), maxFile+1))
		b.Grow(len(fields) + len(opening) + most + len(closing))
	}
	b.Write(fields[:len(fields)-len("}")])
	b.WriteString(opening)
	encoder := base64.NewEncoder(base64.StdEncoding, &b)
	size, err = io.Copy(encoder, io.LimitReader(untilDone{ctx, content}, maxFile+1))
	switch {
	case err != nil:
		return nil, 0, brokenContent(ctx, path, err)
	case size > maxFile:
		return nil, 0, invalid(http.MethodPost, path, "the content has more than %d bytes, the most that every tenant accepts in one file", maxFile)
	case size == 0:
		return nil, 0, invalid(http.MethodPost, path, "the content is empty")
	}
	_ = encoder.Close() // writes to memory
	b.WriteString(closing)
	return b.Bytes(), size, nil
}

// brokenContent is the error of a content that could not be read to its end.
func brokenContent(ctx context.Context, path string, err error) error {
	broken := refusal(0, http.MethodPost, path, "reading the content failed, and nothing was sent")
	broken.cause = err
	if ended := ctx.Err(); ended != nil {
		broken.cause = ended
	}
	return broken
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

// Download writes the file of an attachment to w, if all of it arrives, and
// returns the attachment without Data, even if it is a link ([ErrUnsupported])
// or neither its root nor its parent has the file ([ErrServer]). Allow a third
// more than the file by [WithMaxResponseBytes]. Never write to FullPath: the
// uploader chose it; it may be absolute or hold "..".
func Download[T Attachable](ctx context.Context, c *Client, id int64, w io.Writer) (*T, error) {
	path := itemPath[T](id)
	if w == nil || isNilPointer(w) {
		return nil, invalid(http.MethodGet, path, "the writer is nil")
	}
	if err := checkID[T](http.MethodGet, id); err != nil {
		return nil, err
	}
	if err := needsID[T](http.MethodGet); err != nil {
		return nil, err
	}
	item, data, err := getFile[T](ctx, c, path, id)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		if data, err = fileFromParent(ctx, c, item, id); err != nil {
			return item, err
		}
	}
	n, err := w.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		failed := refusal(0, http.MethodGet, path, fmt.Sprintf("writing the file failed after %d of its %d bytes", n, len(data)))
		failed.cause = err
		return item, failed
	}
	return item, nil
}

// fileFromParent reads the file of an attachment whose root has none.
func fileFromParent[T Attachable](ctx context.Context, c *Client, item *T, id int64) ([]byte, error) {
	root := itemPath[T](id)
	a, err := attachmentOf(http.MethodGet, item)
	if err != nil {
		return nil, err
	}
	if kind := a.kind.Or(""); slices.Contains(linkTypes, kind) {
		return nil, refusal(transport.Unsupported, http.MethodGet, root, "an attachment of type "+kind+" is a link and has no file: fullPath is its target")
	}
	parent := (*item).Parent()
	if _, told := parent.ID.Get(); !told {
		// Some fields may be left out, but it has two that name the parent.
		if id, ok := pointerTo[Optional[int64]](reflect.ValueOf(item).Elem(), "ParentID"); ok {
			parent.ID = *id
		}
	}
	path, err := parent.path(http.MethodGet, collection[T]())
	if err != nil {
		return nil, refusal(transport.Server, http.MethodGet, root, "Autotask answered without the file, and does not name the parent to read it from")
	}
	path += "/" + strconv.FormatInt(id, 10)
	_, data, err := getFile[T](ctx, c, path, id)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && len(data) == 0:
		return nil, refusal(transport.Server, http.MethodGet, path, "the attachment exists, but neither this route nor "+root+" returns its file; this user may not be allowed to read it")
	case err != nil:
		return nil, err
	}
	return data, nil
}

// getFile reads an attachment from one of its routes, and returns the file
// apart from it.
func getFile[T Attachable](ctx context.Context, c *Client, path string, id int64) (*T, []byte, error) {
	var item Optional[T]
	err := c.send(ctx, call{method: http.MethodGet, path: path, decode: func(b []byte) (err error) {
		if item, err = decodeAttachment[T](b, id); err != nil {
			return err
		}
		if v, ok := item.Get(); ok {
			return otherItem(&v, id)
		}
		return nil
	}})
	if err == nil && item.IsNull() {
		err = noSuchItem(itemPath[T](id))
	}
	if err != nil {
		return nil, nil, err
	}
	v := &item.value
	a, err := attachmentOf(http.MethodGet, v)
	if err != nil {
		return nil, nil, err
	}
	data := a.data.Or(nil)
	*a.data = Optional[[]byte]{}
	return v, data, nil
}

// decodeAttachment understands the three forms in which tenants answer a GET of
// one attachment: under "item" like any other item, as a list, and bare. One that
// does not exist is null, an empty list, and null.
func decodeAttachment[T Attachable](b []byte, id int64) (Optional[T], error) {
	if jsontext.Value(b).Kind() == 'n' {
		var none Optional[T]
		return none, decode(b, &none)
	}
	var envelope struct {
		Item  Optional[T]    `json:"item"`
		Items []Optional[T]  `json:"items"`
		ID    jsontext.Value `json:"id"`
	}
	if err := decode(b, &envelope); err != nil {
		return Optional[T]{}, err
	}
	switch {
	case !envelope.Item.IsZero():
		return envelope.Item, nil
	case envelope.Items != nil:
		return pickItem(envelope.Items, id), nil
	case len(envelope.ID) > 0:
		var bare Optional[T]
		err := decode(b, &bare)
		return bare, err
	}
	return Optional[T]{}, absentItem(true)
}

// pickItem returns the item of that id; if there is none, the first, for what it
// is. An empty list says that there is no item.
func pickItem[T Entity](items []Optional[T], id int64) Optional[T] {
	for _, item := range items {
		if v, ok := item.Get(); ok && idOf(&v) == id {
			return item
		}
	}
	if len(items) == 0 {
		return Null[T]()
	}
	return items[0]
}
