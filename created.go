package autotask

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/fields"
	"github.com/autotask-go/autotask/internal/merge"
	"github.com/autotask-go/autotask/internal/transport"
)

// landing is how long a write without an answer may still be carried out:
// Autotask ends a request after about five minutes. A whole PUT that lands late
// carries the whole old ticket and undoes everything written since.
const landing = 5 * time.Minute

// unanswered is a client's memory of the writes whose answers were lost. Until
// such a write shows, or cannot be carried out any more, nothing else is written
// to its item, and no equal item is created.
type unanswered struct {
	mu     sync.Mutex
	writes map[writeKey]lostWrite
	swept  time.Time
	shared Unanswered // what other processes know as well, or nil
}

// writeKey names what a write was about: an item, or what a create was to make.
type writeKey struct {
	collection string // in lower case: the web server takes any
	id         int64
	made       digest // of a create; zero for an item
	// actor is for whom an item was created. It is 0 for work that is identified by a key
	// or a start time, which is the same whoever does it.
	actor int64
}

type digest [sha256.Size]byte

// lostWrite is a write whose answer was lost.
type lostWrite struct {
	until   time.Time      // when it cannot be carried out any more
	changes []merge.Change // of an update
	deleted bool           // it was a DELETE
	created *lostCreate    // it was a create
	stored  []byte         // what the shared memory has of it; nil if nothing
}

// lostCreate is what finding the item of a create takes.
type lostCreate struct {
	since time.Time // when it began, by our clock
	// seen are equal items that a search showed just before: none of them is the
	// one. known is false if there was no such search.
	seen  []int64
	known bool
	// id, if it is not 0, was answered: it is the searches that do not show the
	// item as a repeat would look for it, or show several.
	id int64
	// named: there are several, and an error has named them.
	named bool
}

// An answered create is remembered for longer than a lost write, since a repeat
// of its work may come later. What cannot be carried out any more is forgotten
// some time after that: a repeat has looked for it by then.
const (
	answeredCreates = time.Hour
	pastLanding     = 10 * time.Minute
)

func (u *unanswered) add(key writeKey, w lostWrite, err error) {
	w.until = time.Now().Add(landing)
	if wait := retryAfterOf(err); wait > 0 {
		w.until = time.Now().Add(wait)
	}
	u.keep(key, w)
}

func (u *unanswered) keepAnswered(key writeKey, created lostCreate) {
	u.keep(key, lostWrite{until: time.Now().Add(answeredCreates), created: &created})
}

// keep has no context: an answer may be lost because the caller's has ended.
func (u *unanswered) keep(key writeKey, w lostWrite) {
	w.stored = u.share(key, w)
	u.put(key, w)
}

func (u *unanswered) put(key writeKey, w lostWrite) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.writes == nil {
		u.writes = make(map[writeKey]lostWrite)
	}
	if now := time.Now(); now.Sub(u.swept) > time.Minute {
		u.swept = now
		maps.DeleteFunc(u.writes, func(_ writeKey, w lostWrite) bool { return now.Sub(w.until) > pastLanding })
	}
	u.writes[key] = w
}

func (u *unanswered) get(key writeKey) (lostWrite, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	w, ok := u.writes[key]
	return w, ok
}

func (u *unanswered) drop(key writeKey) (lostWrite, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	w, ok := u.writes[key]
	delete(u.writes, key)
	return w, ok
}

// left is how long the write may still be carried out.
func (w lostWrite) left() time.Duration { return max(0, time.Until(w.until)) }

// answeredFor reports whether it is a create that was answered, of work that
// began by our clock at or before a time.
func (w lostWrite) answeredFor(startedAt time.Time) bool {
	return w.created.id != 0 && !w.created.since.Add(clockMargin).Before(startedAt)
}

// stillUnknown is the error of a call that is not made because of an earlier one.
func (w lostWrite) stillUnknown(method, path string, messages ...string) *Error {
	e := refusal(transport.OutcomeUnknown, method, path, append([]string{
		"an earlier write was not answered, does not show, and may still be carried out; nothing was sent",
	}, messages...)...)
	e.RetryAfter = max(w.left(), time.Second)
	return e
}

// settle compares an item, as it was just read, with an earlier write that was not
// answered. If the write shows, or its time is over, it is forgotten; otherwise
// the item must not be written, and settle returns the error that says so.
func (c *Client) settle(key writeKey, table *fields.Table, method, path string, raw jsontext.Value, readErr error) error {
	lost, ok := c.core.unanswered.get(key)
	if !ok {
		return nil
	}
	shows := false
	switch {
	case readErr == nil:
		shows = readBack(table, lost.changes, raw).shows()
	case lost.deleted && isGone(readErr):
		shows = true
	default:
		return nil // the failed read is the error
	}
	if !shows && lost.left() > 0 {
		return lost.stillUnknown(method, path)
	}
	if !c.core.unanswered.remove(key) {
		if newer, ok := c.core.unanswered.get(key); ok {
			return newer.stillUnknown(method, path)
		}
	}
	return nil
}

// contestedBy says in which fields of an item, as it was just read, somebody else
// has set a third value since a write of this client that was not answered. It is
// asked before settle forgets that write.
func (c *Client) contestedBy(key writeKey, table *fields.Table, raw jsontext.Value) string {
	if lost, ok := c.core.unanswered.get(key); ok {
		if found := readBack(table, lost.changes, raw); found.contested {
			return strings.Join(found.differ, "; ")
		}
	}
	return ""
}

// takeTurn waits until no other call of this client writes what key names, and learns
// what other processes know of it.
func (c *Client) takeTurn(ctx context.Context, key writeKey, method, path string) (done func(), err error) {
	done, err = c.core.turns.wait(ctx, key)
	if err != nil {
		return nil, asError(method, path, err)
	}
	if err := c.core.unanswered.learn(ctx, key); err != nil {
		done()
		return nil, asError(method, path, err)
	}
	return done, nil
}

// findable items can be distinguished from others like them, so that one whose
// create was not answered can be searched for.
type findable interface {
	// createKey names what the item and its twins have in common. It is false if
	// the item holds too little to be found by.
	createKey() (writeKey, bool)
	// find returns the items that may be the one that the create made.
	find(ctx context.Context, c *Client, lost lostCreate) ([]claimable, error)
}

// claimable is an item that a create may have made.
type claimable struct {
	Candidate
	// doubtful: it seems to be a little older than the create, by clocks that may
	// differ. It may be somebody else's.
	doubtful bool
}

// age judges a time of creation against the beginning of a create. too is true
// of one that is older beyond doubt.
func (c *Client) age(created time.Time, lost lostCreate) (doubtful, too bool) {
	return !lost.known && created.Before(c.core.clock.earliest(lost.since).Add(clockMargin)),
		!lost.known && created.Before(c.core.clock.earliest(lost.since))
}

// createFindable is Create for an item that can be searched for.
func (c *Client) createFindable(ctx context.Context, item findable, key writeKey, n newOne) (int64, error) {
	key.actor = c.impersonateID
	done, err := c.takeTurn(ctx, key, http.MethodPost, n.path)
	if err != nil {
		return 0, err
	}
	defer done()
	return c.createInTurn(ctx, item, key, n, lostCreate{})
}

// newOne is an item to create.
type newOne struct {
	path string
	sent []byte // what an error shows of it
	send func(ctx context.Context) (int64, error)
}

func (c *Client) newOne(path string, body []byte) newOne {
	return newOne{path, body, func(ctx context.Context) (int64, error) { return c.write(ctx, http.MethodPost, path, body) }}
}

// inDoubt is the error of a create that is not made because it is not known
// whether an earlier one was carried out. It is returned once.
func (n newOne) inDoubt(err error) error {
	e := refusal(transport.OutcomeUnknown|transport.Ambiguous, http.MethodPost, n.path,
		"an earlier create of the same item was not answered, and one of these may be its result, or somebody else's: "+err.Error(),
		"nothing was sent; a repeat creates it")
	e.cause, e.Sent, e.RetryAfter = err, n.sent, time.Second
	return e
}

func (n newOne) stillUnknown(lost lostWrite, messages ...string) error {
	e := lost.stillUnknown(http.MethodPost, n.path, messages...)
	e.Sent = n.sent
	return e
}

// lastLooks are the waits between the last searches for an item, before its
// create is repeated: what was made in the last moment can be missing from queries
// for a while.
var lastLooks = [...]time.Duration{2 * time.Second, 8 * time.Second, 20 * time.Second}

// wait is false if ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// createInTurn creates an item once. If an earlier create of the same is not
// answered, its item is the one; until that shows, or cannot come any more,
// nothing is sent.
func (c *Client) createInTurn(ctx context.Context, item findable, key writeKey, n newOne, before lostCreate) (int64, error) {
	lost, ok := c.core.unanswered.get(key)
	isRepeat := ok && lost.created.id == 0
	if isRepeat {
		id, err := c.claim(ctx, item, key, *lost.created)
		for n := 0; n < len(lastLooks) && id == 0 && err == nil && lost.left() == 0 && wait(ctx, lastLooks[n]); n++ {
			id, err = c.claim(ctx, item, key, *lost.created)
		}
		switch {
		case id != 0:
			return id, nil
		case lost.left() == 0 && errors.Is(err, ErrAmbiguous):
			c.core.unanswered.remove(key)
			return 0, n.inDoubt(err)
		case err != nil:
			return 0, n.stillUnknown(lost, "looking for it failed: "+err.Error())
		case lost.left() > 0:
			return 0, n.stillUnknown(lost)
		}
		before = *lost.created // whichever of the two shows up is the one
	}
	if before.since.IsZero() {
		before.since = time.Now()
	}
	id, err := n.send(ctx)
	if err == nil {
		if isRepeat {
			c.core.unanswered.remove(key)
		}
		c.core.recent.add(key.collection, id)
		return id, nil
	}
	unknown, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrOutcomeUnknown) {
		return 0, err
	}
	unknown.Sent = n.sent
	sought := before // a copy, so that only lost answers cost an allocation
	c.core.unanswered.add(key, lostWrite{created: &sought}, err)
	if ctx.Err() != nil {
		return 0, unknown
	}
	found, err := c.claim(ctx, item, key, before)
	_ = interrupted(ctx, unknown) // the search ended early, perhaps
	switch {
	case found != 0:
		return found, nil
	case err != nil:
		unknown.Messages = append(unknown.Messages, "looking for the item failed, too: "+err.Error())
	default:
		unknown.Messages = append(unknown.Messages, "a search does not find the item")
	}
	return 0, unknown
}

// claim searches for the item of a create that was not answered. Once found it
// belongs to the call that found it: no other takes it for its own.
func (c *Client) claim(ctx context.Context, item findable, key writeKey, lost lostCreate) (int64, error) {
	all, err := item.find(ctx, c, lost)
	if err != nil {
		return 0, err
	}
	var candidates []Candidate
	doubtful := 0
	for _, found := range all {
		if slices.Contains(lost.seen, found.ID) || c.core.recent.has(key.collection, found.ID) {
			continue
		}
		candidates = append(candidates, found.Candidate)
		if found.doubtful {
			doubtful++
		}
	}
	switch {
	case len(candidates) == 0:
		return 0, nil
	case len(candidates) == 1 && doubtful == 0:
		if !c.core.unanswered.remove(key) { // a call of another process has it
			if _, again := c.core.unanswered.get(key); again {
				return 0, errors.New("another process has created an equal item and got no answer, either")
			}
			return 0, nil
		}
		c.core.recent.add(key.collection, candidates[0].ID)
		return candidates[0].ID, nil
	}
	return 0, &AmbiguousError{What: "what was created", Name: candidates[0].Label, Candidates: candidates}
}

// isGone reports whether the answer to the read of an item says that there is
// none. A refusal that may also mean a lack of permission is no such answer.
func isGone(err error) bool {
	return errors.Is(err, ErrNotFound) && (isStatus(err, http.StatusOK) || isStatus(err, http.StatusNotFound))
}

// digestOf is short where its parts may be long and many, as notes may be. Each
// part has its length before it, so that no two lists of parts are the same text.
func digestOf(parts ...string) digest {
	var room [512]byte
	text := room[:0]
	for _, part := range parts {
		text = strconv.AppendInt(text, int64(len(part)), 10)
		text = append(append(text, ' '), part...)
	}
	return sha256.Sum256(text)
}

// recentIDs remembers what a client's creates were answered with last.
type recentIDs struct {
	mu   sync.Mutex
	ring [4096]recentID
	next int
}

type recentID struct {
	collection string
	id         int64
}

func (r *recentIDs) add(collection string, id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next%len(r.ring)] = recentID{collection, id}
	r.next++
}

func (r *recentIDs) has(collection string, id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.ring[:], recentID{collection, id})
}

// turns lets calls for the same key run one after another, in the order
// in which they ask. It remembers nothing of who is through.
type turns[K comparable] struct {
	mu   sync.Mutex
	last map[K]*turn
}

type turn struct {
	over chan struct{} // closed at its end; made by the call that waits for it
}

// noWait is the turn of a call that has nobody before it.
var noWait = make(chan struct{})

func init() { close(noWait) }

// take asks for a turn: it has come when the channel is closed, and is over
// with done.
func (t *turns[K]) take(key K) (myTurn <-chan struct{}, done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	myTurn = noWait
	if before := t.last[key]; before != nil {
		before.over = make(chan struct{})
		myTurn = before.over
	}
	if t.last == nil {
		t.last = make(map[K]*turn)
	}
	mine := new(turn)
	t.last[key] = mine
	return myTurn, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.over != nil {
			close(mine.over)
		}
		if t.last[key] == mine {
			delete(t.last, key)
		}
	}
}

// wait takes a turn and waits for it.
func (t *turns[K]) wait(ctx context.Context, key K) (func(), error) {
	myTurn, done := t.take(key)
	select {
	case <-myTurn:
		if ctx.Err() != nil {
			done()
			return nil, ctx.Err()
		}
		return done, nil
	case <-ctx.Done():
		go func() { // whoever comes next waits for the one before us
			<-myTurn
			done()
		}()
		return nil, ctx.Err()
	}
}
