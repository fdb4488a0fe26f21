package autotask

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/limit"
	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/upload"
)

// Attachable entities are attachments: children that hold a file or a link.
type Attachable interface {
	Gettable
	Queryable
	Creatable
	Child
	CanAttach()
}

// What Autotask accepts of attachments. [Upload] and [Create] keep to it.
const (
	MaxFileBytes  = 6_000_000           // of one file: every tenant accepts that, some a little more
	MaxFilesBytes = limit.MaxUploads    // of all files in FilesWindow, of a user or an integration
	FilesWindow   = limit.UploadsWindow // after more than that, Autotask takes none for as long
)

// Upload creates an attachment from v and all of content and returns its id
// (POST {parent}/{id}/Attachments). Lost answers: see [Create].
//
// Title, FullPath (the file's name) and Publish are required; a wrong Publish
// shows internal files to the customer. A link (FILE_LINK, FOLDER_LINK, URL) has
// its target as FullPath and no content. Data is absent: for a file in Data use
// [Create]. More than [MaxFilesBytes] in [FilesWindow] would lock Autotask's
// uploads, so that is [ErrRateLimited].
func Upload[T Attachable](ctx context.Context, c *Client, v *T, content io.Reader) (int64, error) {
	return kindOf[T]().attach(ctx, c, v, content)
}

// createAttachment is Create for attachments: no limit depends on the way in.
func (k *kind) createAttachment(ctx context.Context, c *Client, v any) (int64, error) {
	if isNilPointer(v) {
		return k.attach(ctx, c, v, nil)
	}
	item := copyOf(v)
	a, err := k.fileIn(http.MethodPost, item)
	if err != nil {
		return 0, err
	}
	var content io.Reader
	if data, ok := a.data.Get(); ok {
		content = bytes.NewReader(data)
	}
	*a.data = Optional[[]byte]{}
	return k.attach(ctx, c, item, content)
}

func (k *kind) attach(ctx context.Context, c *Client, v any, content io.Reader) (int64, error) {
	r, err := k.prepareUpload(ctx, v, content)
	if err != nil {
		return 0, err
	}
	e, err := k.wanted(v, r)
	if err != nil {
		return r.send(ctx, c) // it cannot be searched for
	}
	key, _ := e.createKey()
	return c.createFindable(ctx, e, key, r.newOne(c))
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
func (k *kind) prepareUpload(ctx context.Context, v any, content io.Reader) (*preparedUpload, error) {
	if isNilPointer(content) {
		return nil, invalid(http.MethodPost, k.collection, "the content is a nil %T", content)
	}
	path, fields, err := k.newAttachment(v, content != nil)
	if err != nil {
		return nil, err
	}
	r := &preparedUpload{path: path, fields: fields, body: fields}
	if content != nil {
		r.body, r.size, err = withFile(ctx, path, fields, content)
	}
	return r, err
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
func (k *kind) newAttachment(v any, hasFile bool) (path string, fields []byte, err error) {
	if isNilPointer(v) {
		return k.newBody(v)
	}
	item := copyOf(v)
	a, err := k.fileIn(http.MethodPost, item)
	if err != nil {
		return "", nil, err
	}
	if _, given := a.kind.Get(); !given && hasFile {
		a.kind.Set(upload.File)
	}
	if path, fields, err = k.newBody(item); err != nil {
		return "", nil, err
	}
	return path, fields, a.checkKind(path, hasFile)
}

// attachment is the fields of an attachment that this file reads and sets. A type
// of a caller's own may lack some; those are nil.
type attachment struct {
	data                  *Optional[[]byte]
	kind, title, fullPath *Optional[string]
	attached              *Optional[time.Time]
	size                  *Optional[float64]
	parent                *Optional[int64]
}

// attachmentOf finds the fields of an item.
func attachmentOf(item any) attachment {
	v := reflect.ValueOf(item).Elem()
	return attachment{
		pointerTo[[]byte](v, "Data"),
		pointerTo[string](v, "AttachmentType"), pointerTo[string](v, "Title"), pointerTo[string](v, "FullPath"),
		pointerTo[time.Time](v, "AttachDate"),
		pointerTo[float64](v, "FileSize"),
		pointerTo[int64](v, "ParentID"),
	}
}

// fileIn is attachmentOf for a type that can hold a file.
func (k *kind) fileIn(method string, v any) (attachment, error) {
	if err := k.known(method); err != nil {
		return attachment{}, err
	}
	a := attachmentOf(v)
	if a.data == nil || a.kind == nil {
		return a, invalid(method, k.collection,
			"an attachment needs the fields Data, an Optional[[]byte], and AttachmentType, an Optional[string]; %v lacks one", k.typ)
	}
	return a, nil
}

// checkKind holds the type of a new attachment and whether it comes with a file
// against each other.
func (a attachment) checkKind(path string, hasFile bool) error {
	kind := a.kind.Or("")
	isLink := upload.IsLink(kind)
	switch {
	case !a.data.IsZero():
		return invalid(http.MethodPost, path, "Data is set: Upload takes the file from its content alone; leave Data absent, or use Create")
	case kind != upload.File && !isLink:
		return invalid(http.MethodPost, path, "%s is not an attachmentType: use %s, or one of the links %v", excerpt(strconv.Quote(kind)), upload.File, upload.Links)
	case isLink && hasFile:
		return invalid(http.MethodPost, path, "an attachment of type %s is a link and has no content: fullPath is its target", kind)
	case !isLink && !hasFile:
		return refusal(transport.MissingField|transport.Invalid, http.MethodPost, path, "an attachment of type "+kind+" needs content")
	}
	return nil
}

// withFile returns the body of an upload: the fields, and the file last.
func withFile(ctx context.Context, path string, fields []byte, content io.Reader) (body []byte, size int64, err error) {
	body, size, err = upload.Body(ctx, fields, content, MaxFileBytes)
	switch {
	case errors.Is(err, upload.ErrTooLarge):
		return nil, 0, invalid(http.MethodPost, path, "the content has more than %d bytes, the most that every tenant accepts in one file", MaxFileBytes)
	case errors.Is(err, upload.ErrEmpty):
		return nil, 0, invalid(http.MethodPost, path, "the content is empty")
	case err != nil:
		broken := refusal(0, http.MethodPost, path, "reading the content failed, and nothing was sent")
		broken.cause = cmp.Or(ctx.Err(), err)
		return nil, 0, broken
	}
	return body, size, nil
}

// Download writes the file of an attachment to w, if all of it arrives, and
// returns the attachment without Data, even if it is a link ([ErrUnsupported])
// or no route returns the file ([ErrServer]). [WithMaxResponseBytes] must allow a
// third more than the file. Never write to FullPath: the uploader chose it.
func Download[T Attachable](ctx context.Context, c *Client, id int64, w io.Writer) (*T, error) {
	path := itemPath[T](id)
	if w == nil || isNilPointer(w) {
		return nil, invalid(http.MethodGet, path, "the writer is nil")
	}
	if err := kindOf[T]().checkID(http.MethodGet, id); err != nil {
		return nil, err
	}
	if err := kindOf[T]().needsID(http.MethodGet); err != nil {
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
	a, err := kindOf[T]().fileIn(http.MethodGet, item)
	if err != nil {
		return nil, err
	}
	if kind := a.kind.Or(""); upload.IsLink(kind) {
		return nil, refusal(transport.Unsupported, http.MethodGet, root, "an attachment of type "+kind+" is a link and has no file: fullPath is its target")
	}
	parent := (*item).Parent()
	if _, told := parent.ID.Get(); !told && a.parent != nil {
		parent.ID = *a.parent // some fields may be left out, but it has two that name the parent
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
	a, err := kindOf[T]().fileIn(http.MethodGet, v)
	if err != nil {
		return nil, nil, err
	}
	data := a.data.Or(nil)
	*a.data = Optional[[]byte]{}
	return v, data, nil
}

// EnsureAttachment is [Upload] for work that may be repeated, as
// [NotesService.Ensure] is for notes: an attachment since startedAt with the same
// parent, title, full path, type and size is that of an earlier run. See
// docs/reliability.md, "Attachments".
func EnsureAttachment[T Attachable](ctx context.Context, c *Client, v *T, content io.Reader, startedAt time.Time) (id int64, created bool, err error) {
	return kindOf[T]().ensureAttachment(ctx, c, v, content, startedAt)
}

func (k *kind) ensureAttachment(ctx context.Context, c *Client, v any, content io.Reader, startedAt time.Time) (id int64, created bool, err error) {
	if err := checkStart(http.MethodPost, k.collection, startedAt); err != nil {
		return 0, false, err
	}
	r, err := k.prepareUpload(ctx, v, content)
	if err != nil {
		return 0, false, err
	}
	e, err := k.wanted(v, r)
	if err != nil {
		return 0, false, err
	}
	key, _ := e.createKey()
	done, err := c.takeTurn(ctx, key, http.MethodPost, r.path)
	if err != nil {
		return 0, false, err
	}
	defer done()
	found, err := e.search(ctx, c, startedAt)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("looking for the attachment of an earlier run: %w", err)
	case len(found.same) > 1:
		return 0, false, ambiguousAttachment(e.key, found.same, 0)
	case len(found.same) == 1:
		c.core.unanswered.remove(key)
		return found.same[0], false, nil
	}
	if lost, ok := c.core.unanswered.get(key); ok && lost.answeredFor(startedAt) {
		return lost.created.id, false, nil // this client uploaded it; a search does not show it yet
	}
	if id, err = e.upload(ctx, c, r); err != nil {
		return 0, false, err
	}
	// Until it is found, a repeat by this client goes by the id.
	c.core.unanswered.keepAnswered(key, lostCreate{since: time.Now(), id: id})
	if found, err = e.search(ctx, c, startedAt); err != nil {
		return id, true, unproven(ctx, r.path, fmt.Sprintf("attachment %d was uploaded; looking whether it is the only one failed", id), err)
	}
	return id, true, afterChange(e.onlyOne(c, r, id, found))
}

// wantedAttachment is a new attachment that can be distinguished from others.
type wantedAttachment struct {
	of      *kind
	parent  int64
	key     upload.Key
	content digest // of all that is sent
}

// wanted fails for a type that has not the fields to distinguish its items by.
func (k *kind) wanted(v any, r *preparedUpload) (*wantedAttachment, error) {
	key, err := attachmentOf(v).key(k)
	key.Parent, key.Size = r.path, r.size
	return &wantedAttachment{k, parentOf(v).Or(0), key, sha256.Sum256(r.body)}, err
}

// upload sends the attachment once, in the caller's turn.
func (e *wantedAttachment) upload(ctx context.Context, c *Client, r *preparedUpload) (int64, error) {
	key, _ := e.createKey()
	return c.createInTurn(ctx, e, key, r.newOne(c), lostCreate{known: true}) // a search has shown none
}

func (e *wantedAttachment) createKey() (writeKey, bool) {
	return writeKey{collection: strings.ToLower(e.of.collection), made: digestOf(fmt.Sprintf("%#v", e.key), string(e.content[:]))}, true
}

func (e *wantedAttachment) find(ctx context.Context, c *Client, lost lostCreate) ([]claimable, error) {
	found, err := e.search(ctx, c, lost.since)
	var candidates []claimable
	for i, id := range found.same {
		doubtful, _ := c.age(found.attached[i], lost)
		candidates = append(candidates, claimable{Candidate{ID: id, Label: e.key.FullPath}, doubtful})
	}
	return candidates, err
}

// onlyOne makes sure that a repeat will find the attachment, and that the search
// before the upload had not been blind to one of an earlier run.
func (e *wantedAttachment) onlyOne(c *Client, r *preparedUpload, id int64, found foundAttachments) error {
	shown, isShown := found.others[id]
	switch {
	case isShown:
		return refusal(transport.NotApplied, http.MethodPost, r.path, fmt.Sprintf(
			"attachment %d was uploaded, but Autotask shows it with %s: a repeat would not find it", id, shown))
	case len(found.same) > 1 || len(found.same) == 1 && found.same[0] != id:
		return ambiguousAttachment(e.key, found.same, id)
	case len(found.same) == 0:
		hidden := refusal(transport.OutcomeUnknown, http.MethodPost, r.path, fmt.Sprintf(
			"attachment %d was uploaded, but a search does not show it yet; it may hide one of an earlier run in the same way", id))
		hidden.RetryAfter, hidden.Sent = landing, r.fields
		return hidden
	}
	key, _ := e.createKey()
	c.core.unanswered.remove(key)
	return nil
}

func ambiguousAttachment(key upload.Key, ids []int64, own int64) error {
	e := &AmbiguousError{What: "attachment of " + key.Parent, Name: key.Title}
	if own != 0 && !slices.Contains(ids, own) {
		ids = append(slices.Clone(ids), own)
	}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		label := key.FullPath
		if id == own {
			label += ", of this run"
		}
		e.Candidates = append(e.Candidates, Candidate{ID: id, Label: label})
	}
	return e
}

// key fails for a type of a caller's own that lacks the fields to distinguish it by.
func (a attachment) key(k *kind) (upload.Key, error) {
	if a.kind == nil || a.title == nil || a.fullPath == nil {
		return upload.Key{}, invalid(http.MethodPost, k.collection,
			"an attachment is found by the fields Title, FullPath and AttachmentType, all Optional[string]; %v lacks one", k.typ)
	}
	key := upload.Key{Kind: a.kind.Or(upload.File), Title: fields.Even(a.title.Or("")), FullPath: fields.Even(a.fullPath.Or(""))}
	if a.size != nil {
		key.Size = int64(a.size.Or(0))
	}
	return key, nil
}

// foundAttachments are those of one parent.
type foundAttachments struct {
	same     []int64
	attached []time.Time      // when, of each of them; now, where Autotask does not say
	others   map[int64]string // and what shows that they are not the same
}

// search reads the attachments of the parent, and returns those of the key that were
// attached at or after a moment of our clock. Autotask wants the parent in the
// filter (release 2021.1); all else is compared here: a filter that the server
// understood differently would hide an attachment, which would be uploaded twice.
func (e *wantedAttachment) search(ctx context.Context, c *Client, since time.Time) (foundAttachments, error) {
	found := foundAttachments{others: map[int64]string{}}
	query := Query{Filter: Eq(e.of.parentField(), e.parent)}
	for rows, err := range e.of.pages(ctx, c, query) {
		if err != nil {
			return foundAttachments{}, err
		}
		for _, row := range rows {
			switch difference, ofParent := e.compare(row.Item, c.core.clock.earliest(since)); {
			case !ofParent:
			case difference == "":
				found.same = append(found.same, row.ID)
				found.attached = append(found.attached, attachmentOf(row.Item).attachedAt(time.Now()))
			default:
				found.others[row.ID] = difference
			}
		}
	}
	return found, nil
}

// parentField is the field by which the attachments of one parent are searched.
func (k *kind) parentField() string {
	for _, f := range k.table().All {
		if f.Parent {
			return f.Name
		}
	}
	return "parentID" // of a caller's own type
}

func (a attachment) attachedAt(unknown time.Time) time.Time {
	if a.attached == nil {
		return unknown
	}
	return a.attached.Or(unknown)
}

// compare says in what an attachment differs from the wanted one, and whether it
// belongs to the parent at all: a search by ticket may show the attachments of its
// notes and time entries as well.
func (e *wantedAttachment) compare(item any, since time.Time) (difference string, ofParent bool) {
	a := attachmentOf(item)
	if parentOf(item).Or(e.parent) != e.parent || a.parent != nil && a.parent.Or(e.parent) != e.parent {
		return "", false
	}
	got, err := a.key(e.of)
	if err != nil {
		return err.Error(), true
	}
	return e.key.Difference(got, a.attachedAt(since), since), true
}
