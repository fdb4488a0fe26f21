package changes

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// beforeAll is the position in front of every id: 0 is an id like any other.
const beforeAll = -1

// chunkSize is how many ids a chunk holds at most.
const chunkSize = 1024

// idSet is a set of ids in ascending order, in chunks that are never changed:
// a copy of the struct is a snapshot. An id takes eight bytes in memory, and
// one or two as text, fewer where ids follow one another.
type idSet struct {
	chunks [][]int64
	n      int
}

func (s *idSet) len() int { return s.n }

// from is the first chunk that may hold an id greater than after.
func (s *idSet) from(after int64) int {
	return sort.Search(len(s.chunks), func(i int) bool { c := s.chunks[i]; return c[len(c)-1] > after })
}

// count returns how many ids are greater than after, and no greater than last.
func (s *idSet) count(after, last int64) int {
	n := 0
	for _, c := range s.chunks[s.from(after):] {
		if c[0] > last {
			break
		}
		n += len(within(c, after, last))
	}
	return n
}

// nth returns the id that has n others before it behind after.
func (s *idSet) nth(after int64, n int) (int64, bool) {
	for _, c := range s.chunks[s.from(after):] {
		part := c[upTo(c, after):]
		if n < len(part) {
			return part[n], true
		}
		n -= len(part)
	}
	return 0, false
}

// ids returns the ids between after and last, at most limit.
func (s *idSet) ids(after, last int64, limit int) []int64 {
	var all []int64
	for _, c := range s.chunks[s.from(after):] {
		part := within(c, after, last)
		all = append(all, part[:min(len(part), limit-len(all))]...)
		if len(all) == limit || c[0] > last {
			break
		}
	}
	return all
}

func within(c []int64, after, last int64) []int64 {
	begin, end := upTo(c, after), upTo(c, last)
	return c[min(begin, end):end]
}

// upTo returns how many of the ids are no greater than last.
func upTo(c []int64, last int64) int {
	i, found := slices.BinarySearch(c, last)
	if found {
		i++
	}
	return i
}

// add and remove take ids in ascending order.
func (s *idSet) add(ids []int64)    { s.change(ids, union) }
func (s *idSet) remove(ids []int64) { s.change(ids, difference) }

// change replaces the chunks in which ids lie, and leaves the others as they are.
func (s *idSet) change(ids []int64, merge func(chunk, ids []int64) []int64) {
	if len(ids) == 0 {
		return
	}
	var chunks [][]int64
	n := 0
	put := func(c []int64) {
		n += len(c)
		for len(c) > chunkSize {
			chunks = append(chunks, slices.Clip(c[:chunkSize/2]))
			c = c[chunkSize/2:]
		}
		if len(c) > 0 {
			chunks = append(chunks, slices.Clip(c))
		}
	}
	for i, c := range s.chunks {
		mine := ids
		if i+1 < len(s.chunks) {
			mine = ids[:upTo(ids, s.chunks[i+1][0]-1)]
		}
		ids = ids[len(mine):]
		if len(mine) == 0 {
			chunks = append(chunks, c)
			n += len(c)
			continue
		}
		put(merge(c, mine))
	}
	if len(ids) > 0 {
		put(merge(nil, ids))
	}
	s.chunks, s.n = chunks, n
}

func union(chunk, ids []int64) []int64 {
	merged := make([]int64, 0, len(chunk)+len(ids))
	for len(chunk) > 0 || len(ids) > 0 {
		switch {
		case len(ids) == 0 || len(chunk) > 0 && chunk[0] < ids[0]:
			merged, chunk = append(merged, chunk[0]), chunk[1:]
		default:
			if len(chunk) > 0 && chunk[0] == ids[0] {
				chunk = chunk[1:]
			}
			if len(merged) == 0 || merged[len(merged)-1] != ids[0] {
				merged = append(merged, ids[0])
			}
			ids = ids[1:]
		}
	}
	return merged
}

func difference(chunk, ids []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(chunk), func(id int64) bool {
		_, found := slices.BinarySearch(ids, id)
		return found
	})
}

// MarshalText writes the ids as runs: how far each begins behind the end of the
// one before, and how long it is.
func (s idSet) MarshalText() ([]byte, error) {
	var b []byte
	end, first, length := int64(beforeAll), int64(0), int64(0)
	flush := func() {
		if length > 0 {
			b = binary.AppendUvarint(b, uint64(first-end)) //nolint:gosec // the ids ascend
			b = binary.AppendUvarint(b, uint64(length))
			end = first + length - 1
		}
	}
	for _, c := range s.chunks {
		for _, id := range c {
			if length > 0 && id == first+length {
				length++
				continue
			}
			flush()
			first, length = id, 1
		}
	}
	flush()
	return base64.RawStdEncoding.AppendEncode(nil, b), nil
}

// mostKnown bounds what a damaged state can make the program allocate.
const mostKnown = 50_000_000

// UnmarshalText reads what MarshalText wrote.
func (s *idSet) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("known ids: %w", err)
	}
	*s = idSet{}
	end := int64(beforeAll)
	var chunk []int64
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		length, m := binary.Uvarint(b[max(n, 0):])
		const most = 1 << 62
		if n <= 0 || m <= 0 || gap == 0 || length == 0 || gap > most || length > mostKnown || end > most-int64(gap)-int64(length) || s.n+int(length) > mostKnown {
			return fmt.Errorf("known ids: they are damaged")
		}
		b = b[n+m:]
		for i := range int64(length) {
			if chunk = append(chunk, end+int64(gap)+i); len(chunk) == chunkSize {
				s.chunks, chunk = append(s.chunks, chunk), nil
			}
		}
		s.n += int(length)
		end += int64(gap) + int64(length) - 1
	}
	if len(chunk) > 0 {
		s.chunks = append(s.chunks, slices.Clip(chunk))
	}
	return nil
}
