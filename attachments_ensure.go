package autotask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/transport"
)

// Autotask ends a request after about five minutes. Until then an upload whose
// answer was lost may still be carried out.
const uploadLands = 5 * time.Minute

// startMargin is how far the clock by which a caller's work began may be ahead.
const startMargin = time.Minute

// EnsureAttachment returns the id of the attachment that an earlier run of the
// same work uploaded, or uploads it. created reports whether this call did. It
// is Upload for work that may be repeated, by a queue or after a crash; the same
// rules apply to v and content.
//
// startedAt is when this piece of work first began. Keep it with the work, and
// pass it again with every repeat. An attachment is the one of an earlier run if
// it has the parent, title, full path and type of v and was attached at or after
// startedAt, and if its file has as many bytes, where Autotask shows how many. A
// minute is allowed for clocks that differ, and so is the lag of Autotask's
// clock, as its answers show it. Two files of one length in the same piece of
// work therefore need different names.
//
// It sends a search of the parent's attachments (POST {collection}/query), the
// upload if that finds none, and a second search, which proves that a repeat
// will find it. The file is never sent twice. If the answer to the upload is
// lost, the attachment is searched for; one that is not found may still turn up,
// and the error is ErrOutcomeUnknown, whose RetryAfter says when nothing of it
// can land any more. Until then this client does not upload it again, and other
// processes must wait, too. Concurrent calls of one client for the same
// attachment take turns.
//
// If several match, the error is an *AmbiguousError that names them. If Autotask
// shows the new attachment with another title, path or size, the error is
// ErrNotApplied; if the second search does not show it, ErrOutcomeUnknown. The
// id is returned alongside these.
func EnsureAttachment[T Attachable](ctx context.Context, c *Client, v *T, content io.Reader, startedAt time.Time) (id int64, created bool, err error) {
	if problem := startProblem(startedAt); problem != "" {
		return 0, false, invalid(http.MethodPost, collection[T](), "%s", problem)
	}
	r, err := prepareUpload(ctx, v, content)
	if err != nil {
		return 0, false, err
	}
	item := *v
	key, err := keyOfAttachment(http.MethodPost, &item, r)
	if err != nil {
		return 0, false, err
	}
	done, err := c.core.files.ensured.turn(ctx, key)
	if err != nil {
		return 0, false, asError(http.MethodPost, r.path, err)
	}
	defer done()
	e := ensureAttachment[T]{c, r, key, item, startedAt.Add(-startMargin)}
	earlier, pending := c.core.files.ensured.unanswered(key)
	found, err := findAttachment(ctx, c, &item, key, e.since)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("looking for the attachment of an earlier run: %w", err)
	case len(found.same) > 1:
		return 0, false, ambiguousAttachment(key, found.same, 0)
	case len(found.same) == 1:
		c.core.files.ensured.settled(key)
		return found.same[0], false, nil
	case pending && earlier.id != 0:
		return earlier.id, false, nil // this client uploaded it; a search does not show it yet
	case pending:
		return 0, false, e.outcomeUnknown(time.Until(earlier.at.Add(uploadLands)),
			"an earlier upload of this attachment went unanswered and may still be carried out; nothing was sent")
	}
	return e.upload(ctx)
}

// startProblem says what is wrong with the time at which a piece of work began.
func startProblem(at time.Time) string {
	switch {
	case at.IsZero():
		return "the start time is missing: without it, the attachment of an earlier run cannot be told from an older one"
	case at.After(time.Now().Add(startMargin)):
		return fmt.Sprintf("the start time %v is in the future", at)
	}
	return ""
}

// ensureAttachment is one call of EnsureAttachment that has found nothing.
type ensureAttachment[T Attachable] struct {
	client *Client
	*preparedUpload
	key   attachmentKey
	item  T
	since time.Time
}

func (e *ensureAttachment[T]) upload(ctx context.Context) (id int64, created bool, err error) {
	shared := &e.client.core.files.ensured
	sent := time.Now()
	id, err = e.send(ctx, e.client)
	lost := errors.Is(err, ErrOutcomeUnknown)
	if err != nil && !lost {
		return 0, false, err
	}
	shared.remember(e.key, sentFile{id: id, at: sent})
	if lost && ctx.Err() != nil {
		return 0, false, e.waitFor(err, sent)
	}
	found, findErr := findAttachment(ctx, e.client, &e.item, e.key, e.since)
	switch {
	case lost && findErr != nil:
		return 0, false, e.waitFor(err, sent, "looking for the attachment failed, too: "+findErr.Error())
	case lost && len(found.same) == 0:
		return 0, false, e.waitFor(err, sent, "a search does not find the attachment")
	case lost && len(found.same) == 1:
		shared.settled(e.key)
		return found.same[0], true, nil
	case findErr != nil:
		return id, true, fmt.Errorf("attachment %d was uploaded; looking whether it is the only one: %w", id, findErr)
	}
	return id, true, e.onlyOne(id, found)
}

// onlyOne makes sure that a repeat will find the attachment, and that the search
// before the upload had not been blind to one of an earlier run.
func (e *ensureAttachment[T]) onlyOne(id int64, found foundAttachments) error {
	shown, isShown := found.others[id]
	switch {
	case isShown:
		return refusal(transport.NotApplied, http.MethodPost, e.path, fmt.Sprintf(
			"attachment %d was uploaded, but Autotask shows it with %s: a repeat would not find it", id, shown))
	case len(found.same) > 1 || id != 0 && len(found.same) == 1 && found.same[0] != id:
		return ambiguousAttachment(e.key, found.same, id)
	case len(found.same) == 0:
		return e.outcomeUnknown(uploadLands, fmt.Sprintf(
			"attachment %d was uploaded, but a search does not show it yet; it may hide one of an earlier run in the same way", id))
	}
	e.client.core.files.ensured.settled(e.key)
	return nil
}

func (e *ensureAttachment[T]) outcomeUnknown(wait time.Duration, message string) error {
	unknown := refusal(transport.OutcomeUnknown, http.MethodPost, e.path, message)
	unknown.RetryAfter, unknown.Sent = wait, e.fields
	return unknown
}

// waitFor adds to the error of an upload whose answer was lost when nothing of
// it can land any more.
func (e *ensureAttachment[T]) waitFor(err error, sent time.Time, messages ...string) error {
	var unknown *Error
	if errors.As(err, &unknown) {
		unknown.RetryAfter = max(unknown.RetryAfter, time.Until(sent.Add(uploadLands)))
		unknown.Messages = append(unknown.Messages, messages...)
	}
	return err
}

func ambiguousAttachment(key attachmentKey, ids []int64, own int64) error {
	e := &AmbiguousError{Kind: "attachment of " + key.parent, Name: key.title}
	if own != 0 && !slices.Contains(ids, own) {
		ids = append(slices.Clone(ids), own)
	}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		label := key.fullPath
		if id == own {
			label += ", of this run"
		}
		e.Candidates = append(e.Candidates, Candidate{ID: id, Label: label})
	}
	return e
}

// attachmentKey is what makes two attachments the same.
type attachmentKey struct {
	parent                string // the path that it is written to
	kind, title, fullPath string
	size                  int64 // 0 for a link
}

func keyOfAttachment[T Entity](method string, v *T, r *preparedUpload) (attachmentKey, error) {
	item := reflect.ValueOf(v).Elem()
	title, hasTitle := pointerTo[Optional[string]](item, "Title")
	fullPath, hasPath := pointerTo[Optional[string]](item, "FullPath")
	kind, hasKind := pointerTo[Optional[string]](item, "AttachmentType")
	if !hasTitle || !hasPath || !hasKind {
		return attachmentKey{}, invalid(method, collection[T](),
			"an attachment is found by the fields Title, FullPath and AttachmentType, all Optional[string]; %T lacks one", *v)
	}
	key := attachmentKey{kind: kind.Or(fileAttachment), title: fields.Even(title.Or("")), fullPath: fields.Even(fullPath.Or(""))}
	if r != nil {
		key.parent, key.size = r.path, r.size
	}
	return key, nil
}

// foundAttachments are those of one parent.
type foundAttachments struct {
	same   []int64
	others map[int64]string // and what shows that they are not the same
}

// findAttachment searches the parent of v for attachments of that key which were
// attached at or after a moment of our clock. Autotask wants the parent in the
// filter (release 2021.1); all else is compared here: a filter that the server
// understood differently would hide an attachment, and have it uploaded twice.
func findAttachment[T Attachable](ctx context.Context, c *Client, v *T, key attachmentKey, since time.Time) (foundAttachments, error) {
	found := foundAttachments{others: map[int64]string{}}
	parent, _ := (*v).Parent().ID.Get() // checked before
	for other, err := range All[T](ctx, c, Query{Filter: Eq(parentField[T](), parent)}) {
		if err != nil {
			return foundAttachments{}, err
		}
		id := idOf(other)
		switch difference, ofParent := compareAttachment(other, parent, key, c.core.clock.earliest(since)); {
		case !ofParent:
		case difference == "":
			found.same = append(found.same, id)
		default:
			found.others[id] = difference
		}
	}
	return found, nil
}

// parentField is the field by which the attachments of one parent are searched.
func parentField[T Entity]() string {
	for _, f := range tableOf[T]().All {
		if f.Parent {
			return f.Name
		}
	}
	return "parentID" // of a caller's own type
}

// compareAttachment says in what an attachment differs from a key, and whether it
// belongs to the parent at all: a search by ticket may show the attachments of
// its notes and time entries as well.
func compareAttachment[T Attachable](v *T, parent int64, want attachmentKey, since time.Time) (difference string, ofParent bool) {
	item := reflect.ValueOf(v).Elem()
	if id, told := (*v).Parent().ID.Get(); told && id != parent {
		return "", false
	}
	if id, ok := pointerTo[Optional[int64]](item, "ParentID"); ok && id.Or(parent) != parent {
		return "", false
	}
	got, err := keyOfAttachment(http.MethodPost, v, nil)
	attached, hasDate := pointerTo[Optional[time.Time]](item, "AttachDate")
	size, hasSize := pointerTo[Optional[float64]](item, "FileSize")
	switch {
	case err != nil:
		return err.Error(), true
	case got.kind != want.kind:
		return "the type " + got.kind, true
	case got.title != want.title:
		return "the title " + excerpt(strconv.Quote(got.title)), true
	case got.fullPath != want.fullPath:
		return "the full path " + excerpt(strconv.Quote(got.fullPath)), true
	case hasSize && want.size > 0 && size.Or(0) > 0 && int64(size.Or(0)) != want.size:
		return fmt.Sprintf("a size of %.0f bytes instead of %d", size.Or(0), want.size), true
	case hasDate && attached.Or(since).Before(since):
		return fmt.Sprintf("the date %v, before this piece of work began", attached.Or(since)), true
	}
	return "", true
}

// ensuredFiles is what the calls of EnsureAttachment of one client share.
type ensuredFiles struct {
	mu    sync.Mutex
	turns map[attachmentKey]*turn
	sent  map[attachmentKey]sentFile
}

// turn lets one caller after the other have something.
type turn struct {
	free    chan struct{} // holds one token
	waiting int           // those who have it or want it
}

// sentFile is an upload whose answer was lost, or that a search does not show.
type sentFile struct {
	id int64 // 0 if it was not told
	at time.Time
}

// turn waits until nobody else of this client is at work on an attachment. done
// must be called in the end.
func (f *ensuredFiles) turn(ctx context.Context, key attachmentKey) (done func(), err error) {
	f.mu.Lock()
	if f.turns == nil {
		f.turns, f.sent = map[attachmentKey]*turn{}, map[attachmentKey]sentFile{}
	}
	t := f.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		f.turns[key] = t
	}
	t.waiting++
	f.mu.Unlock()
	leave := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(f.turns, key)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

func (f *ensuredFiles) remember(key attachmentKey, s sentFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.sent, func(_ attachmentKey, s sentFile) bool { return time.Since(s.at) >= uploadLands })
	f.sent[key] = s
}

func (f *ensuredFiles) settled(key attachmentKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sent, key)
}

// unanswered returns the upload that may still be carried out, if there is one.
func (f *ensuredFiles) unanswered(key attachmentKey) (sentFile, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.sent[key]
	return s, ok && time.Since(s.at) < uploadLands
}
