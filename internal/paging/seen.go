package paging

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// idSet remembers the ids of a result. Autotask sends them in ascending order,
// so that most take a byte or two: their distance from the one before.
type idSet struct {
	runs   []idRun
	strays map[int64]struct{} // that came behind a greater one
}

// idRun is a run of ascending ids.
type idRun struct {
	first, last int64
	count       int
	steps       []byte // from each id to the next, as uvarints
}

// maxRun bounds what a look-up has to walk.
const maxRun = 500

// add reports whether the id is new.
func (s *idSet) add(id int64) bool {
	if n := len(s.runs); n == 0 || id > s.runs[n-1].last {
		s.push(id)
		return true
	}
	if _, stray := s.strays[id]; stray || s.inRun(id) {
		return false
	}
	if s.strays == nil {
		s.strays = make(map[int64]struct{})
	}
	s.strays[id] = struct{}{}
	return true
}

func (s *idSet) push(id int64) {
	n := len(s.runs)
	if n == 0 || s.runs[n-1].count == maxRun {
		if n > 0 {
			s.runs[n-1].steps = slices.Clip(slices.Clone(s.runs[n-1].steps))
		}
		s.runs = append(s.runs, idRun{first: id, last: id, count: 1})
		return
	}
	r := &s.runs[n-1]
	r.steps = binary.AppendUvarint(r.steps, uint64(id-r.last)) //nolint:gosec // it is greater
	r.last = id
	r.count++
}

func (s *idSet) inRun(id int64) bool {
	i, found := slices.BinarySearchFunc(s.runs, id, func(r idRun, id int64) int {
		switch {
		case r.last < id:
			return -1
		case r.first > id:
			return 1
		}
		return 0
	})
	if !found {
		return false
	}
	at, steps := s.runs[i].first, s.runs[i].steps
	for at < id && len(steps) > 0 {
		step, n := binary.Uvarint(steps)
		at += int64(step) //nolint:gosec // as it was put in
		steps = steps[n:]
	}
	return at == id
}

// visits remembers the addresses of pages. An address can name every row of its
// page, which is 10 KB, and only one question is asked of it: a hash will do.
// Two of a thousand pages have the same one in 1 of 10^13 results.
type visits struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

// add reports whether the address is new.
func (v *visits) add(address string) bool {
	if v.hashes == nil {
		v.seed, v.hashes = maphash.MakeSeed(), make(map[uint64]struct{})
	}
	h := maphash.String(v.seed, address)
	_, visited := v.hashes[h]
	v.hashes[h] = struct{}{}
	return !visited
}

// fresh leaves out the rows that were seen before, and those up to an id.
func (s *idSet) fresh(rows []Row, after int64) []Row {
	return slices.DeleteFunc(rows, func(r Row) bool { return r.ID <= after || !s.add(r.ID) })
}
