package changes

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// stateVersion is the version of the state that this package writes.
const stateVersion = 1

// ErrNewerState is the error of a state that was written by a newer version of
// this package. It is not read, since what it says could be misunderstood and changes be lost.
var ErrNewerState = errors.New("changes: the state was written by a newer version of the library")

// State is how far a feed has come. The zero State is the beginning: everything
// is read. It is JSON, with a version in it: an older one is read, a newer one is
// ErrNewerState. It holds ids, hashes and times, and the names of fields and
// picklist values, but nothing of what rows hold.
//
// A State is a value that later runs do not change. Save it in the transaction
// that saves the rows of its batch.
type State struct{ s saved }

type saved struct {
	Version     int                  `json:"version"`
	Turn        string               `json:"turn,omitzero"`     // the collection to begin with
	ErrorLog    time.Time            `json:"errorLog,omitzero"` // events that failed since are to be read
	Collections map[string]*progress `json:"collections,omitempty"`
}

// The steps of a visit to a collection, in their order.
const (
	stepDirty = iota
	stepChanges
	stepLogs
	stepDeletions
	stepVerify
)

// progress is how far a feed has come in one collection.
type progress struct {
	Step int `json:"step,omitzero"` // of a visit that a budget or a kill has ended

	Schema   map[string]string `json:"schema,omitempty"`  // hashes of what describes fields and picklist values
	SchemaAt time.Time         `json:"schemaAt,omitzero"` // when the fields were last compared
	UDFsAt   time.Time         `json:"udfsAt,omitzero"`   // when the user-defined ones were
	Cursors  []string          `json:"cursors,omitempty"` // that can be queried in this tenant

	From  time.Time `json:"from,omitzero"` // changes since are to be asked for; zero is everything
	Next  time.Time `json:"next,omitzero"` // From, once deletions have been looked for
	Last  int64     `json:"last"`          // the greatest id seen
	Pass  *pass     `json:"pass,omitzero"`
	Read  time.Time `json:"read,omitzero"` // when the whole was last read
	Sums  sums      `json:"sums,omitzero"` // hashes of the rows, if there are no cursors
	Known idSet     `json:"known,omitzero"`
	Told  told      `json:"told,omitzero"` // the row with the greatest id

	Swept    time.Time `json:"swept,omitzero"` // when all ids were last compared
	Searched bool      `json:"searched,omitzero"`
	Search   *search   `json:"search,omitzero"`

	LogFrom time.Time `json:"logFrom,omitzero"` // deletions logged since are to be read
	Log     int       `json:"log,omitzero"`     // which of the collection's logs is being read
	LogPass *pass     `json:"logPass,omitzero"`
	LogNext time.Time `json:"logNext,omitzero"`
	Parents []int64   `json:"parents,omitempty"` // that the log names; their rows are to be listed

	Dirty []int64 `json:"dirty,omitempty"`
}

// told is a row as it was told last.
type told struct {
	ID   int64  `json:"id"`
	Hash uint64 `json:"hash,string"`
}

// pass is one reading of a collection, from its lowest id to its highest.
type pass struct {
	Whole bool      `json:"whole,omitzero"` // everything, not only what changed
	Bound time.Time `json:"bound,omitzero"` // the server's time before the first page was read
	After int64     `json:"after"`
	// Witness is a row that is to be read in any case; Proven says that the last
	// page showed a row.
	Witness *int64 `json:"witness,omitzero"`
	Proven  bool   `json:"proven,omitzero"`
	// In a reading of the whole:
	Missing []int64 `json:"missing,omitempty"` // known, and not there
	Sums    sums    `json:"sums,omitzero"`
}

// search is a search for deletions under way.
type search struct {
	Nodes   []node  `json:"nodes,omitempty"`
	Missing []int64 `json:"missing,omitempty"` // known, and not found; to be confirmed
	Unknown []int64 `json:"unknown,omitempty"` // found, and not known
	Gone    []int64 `json:"gone,omitempty"`    // confirmed
	How     How     `json:"how,omitzero"`
}

// node is a range of ids in which known and living rows differ in number.
type node struct {
	After int64 `json:"after"`
	Last  int64 `json:"last"`
	Alive int   `json:"alive,omitzero"`
	Read  bool  `json:"read,omitzero"` // compare ids, do not halve
}

// MarshalJSON writes the state.
func (s State) MarshalJSON() ([]byte, error) {
	s.s.Version = stateVersion
	return json.Marshal(s.s, json.Deterministic(true))
}

// UnmarshalJSON reads a state.
func (s *State) UnmarshalJSON(b []byte) error {
	var v struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("changes: the state: %w", err)
	}
	if v.Version > stateVersion {
		return fmt.Errorf("%w: its version is %d, and %d is the newest known here", ErrNewerState, v.Version, stateVersion)
	}
	var read saved
	if err := json.Unmarshal(b, &read); err != nil {
		return fmt.Errorf("changes: the state: %w", err)
	}
	if v.Version < 1 && (len(read.Collections) > 0 || read.Turn != "") {
		return errors.New("changes: the state has no version")
	}
	for name, p := range read.Collections {
		if p == nil {
			return fmt.Errorf("changes: the state of %s is null", name)
		}
	}
	s.s = read
	return nil
}

// Covered returns a time of Autotask's clock up to which everything in a
// collection is known that moves one of its cursors, and of a collection
// without cursors everything. It is zero until a collection has been read once.
func (s State) Covered(collection string) time.Time {
	if p := s.s.Collections[collection]; p != nil {
		return p.From
	}
	return time.Time{}
}

func (s saved) clone() saved {
	all := make(map[string]*progress, len(s.Collections))
	for name, p := range s.Collections {
		all[name] = p.clone()
	}
	s.Collections = all
	return s
}

// clone copies what is changed in place. Maps and slices that are only ever
// replaced, or appended to behind a clipped end, are shared.
func (p *progress) clone() *progress {
	c := *p
	c.Dirty = slices.Clip(p.Dirty)
	c.Parents = slices.Clip(p.Parents)
	c.Pass, c.LogPass = p.Pass.clone(), p.LogPass.clone()
	if p.Search != nil {
		s := *p.Search
		s.Nodes, s.Missing, s.Unknown, s.Gone = slices.Clip(s.Nodes), slices.Clip(s.Missing), slices.Clip(s.Unknown), slices.Clip(s.Gone)
		c.Search = &s
	}
	return &c
}

func (p *pass) clone() *pass {
	if p == nil {
		return nil
	}
	c := *p
	c.Missing = slices.Clip(p.Missing)
	c.Sums = p.Sums.clip()
	return &c
}

// blockBits: so many low bits of an id tell rows of one block apart.
const blockBits = 4

// sums are hashes of the rows of a collection, one for each block of sixteen
// ids: the sum of the hashes of its rows.
type sums struct {
	blocks []int64
	hashes []uint64
}

func (s sums) clip() sums { return sums{slices.Clip(s.blocks), slices.Clip(s.hashes)} }

func (s sums) of(block int64) (uint64, bool) {
	i, found := slices.BinarySearch(s.blocks, block)
	if !found {
		return 0, false
	}
	return s.hashes[i], true
}

// without takes the blocks of rows out.
func (s sums) without(rows []int64) sums {
	left := sums{}
	for i, block := range s.blocks {
		if !slices.ContainsFunc(rows, func(id int64) bool { return id>>blockBits == block }) {
			left.add(block, s.hashes[i])
		}
	}
	return left
}

func (s *sums) add(block int64, hash uint64) {
	s.blocks = append(s.blocks, block)
	s.hashes = append(s.hashes, hash)
}

// MarshalText writes the blocks as distances, each with its hash.
func (s sums) MarshalText() ([]byte, error) {
	var b []byte
	last := int64(beforeAll)
	for i, block := range s.blocks {
		b = binary.AppendUvarint(b, uint64(block-last)) //nolint:gosec // they ascend
		b = binary.LittleEndian.AppendUint64(b, s.hashes[i])
		last = block
	}
	return base64.RawStdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *sums) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("hashes: %w", err)
	}
	*s = sums{}
	last := int64(beforeAll)
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 || gap > 1<<61 || len(b) < n+8 || last > 1<<61 {
			return errors.New("hashes: they are damaged")
		}
		last += int64(gap)
		s.add(last, binary.LittleEndian.Uint64(b[n:]))
		b = b[n+8:]
	}
	return nil
}

// order sorts ids and takes doubles out.
func order(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, cmp.Compare)
	return slices.Compact(ids)
}
