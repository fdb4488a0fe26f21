package autotask

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/transport"
)

// EnsureAttachment is [Upload] for work that may be repeated: it returns the id
// of the attachment of an earlier run, or uploads it. startedAt is when the
// work first began; keep it with the work. An attachment since then with the
// same parent, title, full path, type and size is the one. The errors are those
// of [NotesService.Ensure]. See docs/reliability.md, "Attachments".
func EnsureAttachment[T Attachable](ctx context.Context, c *Client, v *T, content io.Reader, startedAt time.Time) (id int64, created bool, err error) {
	if err := checkStart(http.MethodPost, collection[T](), startedAt); err != nil {
		return 0, false, err
	}
	r, err := prepareUpload(ctx, v, content)
	if err != nil {
		return 0, false, err
	}
	e, err := wantedOf(v, r)
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
type wantedAttachment[T Entity] struct {
	item    *T
	key     attachmentKey
	content digest // of all that is sent
}

// wantedOf fails for a type of a caller's own that lacks the fields to distinguish it by.
func wantedOf[T Entity](v *T, r *preparedUpload) (*wantedAttachment[T], error) {
	item := *v
	key, err := keyOfAttachment(http.MethodPost, &item, r)
	return &wantedAttachment[T]{&item, key, sha256.Sum256(r.body)}, err
}

// upload sends the attachment once, in the caller's turn.
func (e *wantedAttachment[T]) upload(ctx context.Context, c *Client, r *preparedUpload) (int64, error) {
	key, _ := e.createKey()
	return c.createInTurn(ctx, e, key, r.newOne(c), lostCreate{known: true}) // a search has shown none
}

func (e *wantedAttachment[T]) createKey() (writeKey, bool) {
	return writeKey{collection: strings.ToLower(collection[T]()), made: digestOf(fmt.Sprintf("%#v", e.key), string(e.content[:]))}, true
}

func (e *wantedAttachment[T]) find(ctx context.Context, c *Client, lost lostCreate) ([]claimable, error) {
	found, err := e.search(ctx, c, lost.since)
	var candidates []claimable
	for i, id := range found.same {
		doubtful, _ := c.age(found.attached[i], lost)
		candidates = append(candidates, claimable{Candidate{ID: id, Label: e.key.fullPath}, doubtful})
	}
	return candidates, err
}

// onlyOne makes sure that a repeat will find the attachment, and that the search
// before the upload had not been blind to one of an earlier run.
func (e *wantedAttachment[T]) onlyOne(c *Client, r *preparedUpload, id int64, found foundAttachments) error {
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

func ambiguousAttachment(key attachmentKey, ids []int64, own int64) error {
	e := &AmbiguousError{What: "attachment of " + key.parent, Name: key.title}
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
	same     []int64
	attached []time.Time      // when, of each of them; now, where Autotask does not say
	others   map[int64]string // and what shows that they are not the same
}

// search reads the attachments of the parent, and returns those of the key that were
// attached at or after a moment of our clock. Autotask wants the parent in the
// filter (release 2021.1); all else is compared here: a filter that the server
// understood differently would hide an attachment, which would be uploaded twice.
func (e *wantedAttachment[T]) search(ctx context.Context, c *Client, since time.Time) (foundAttachments, error) {
	found := foundAttachments{others: map[int64]string{}}
	parent, _ := parentOf(e.item).ID.Get() // checked before
	for other, err := range all[T](ctx, c, kindOf[T](), Query{Filter: Eq(parentField[T](), parent)}) {
		if err != nil {
			return foundAttachments{}, err
		}
		id := idOf(other)
		switch difference, ofParent := compareAttachment(other, parent, e.key, c.core.clock.earliest(since)); {
		case !ofParent:
		case difference == "":
			found.same = append(found.same, id)
			found.attached = append(found.attached, attachedAt(other))
		default:
			found.others[id] = difference
		}
	}
	return found, nil
}

func attachedAt[T Entity](v *T) time.Time {
	if at, ok := pointerTo[Optional[time.Time]](reflect.ValueOf(v).Elem(), "AttachDate"); ok {
		return at.Or(time.Now())
	}
	return time.Now()
}

// parentOf is the parent of a child entity, none of any other.
func parentOf[T Entity](v *T) Parent {
	if child, ok := any(*v).(Child); ok {
		return child.Parent()
	}
	return Parent{}
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
func compareAttachment[T Entity](v *T, parent int64, want attachmentKey, since time.Time) (difference string, ofParent bool) {
	item := reflect.ValueOf(v).Elem()
	if id, told := parentOf(v).ID.Get(); told && id != parent {
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
