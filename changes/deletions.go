package changes

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
)

const (
	// fewMissing may be missing at once, whatever share they are.
	fewMissing = 10
	// fewReads of missing rows are made by id; beyond it, rows are searched for
	// by many ids at once.
	fewReads = 25
)

// knownCount, knownIDs and knownNth look at the known ids, wherever they are.
func (v *visit) knownCount(after, last int64) (int, error) {
	if k := v.feed.options.Known; k != nil {
		return k.Count(v.ctx, v.name, after, last)
	}
	return v.p.Known.count(after, last), nil
}

func (v *visit) knownIDs(after, last int64, limit int) ([]int64, error) {
	if k := v.feed.options.Known; k != nil {
		return k.IDs(v.ctx, v.name, after, last, limit)
	}
	return v.p.Known.ids(after, last, limit), nil
}

func (v *visit) knownNth(after int64, n int) (int64, error) {
	if k := v.feed.options.Known; k != nil {
		return k.Nth(v.ctx, v.name, after, n)
	}
	id, ok := v.p.Known.nth(after, n)
	if !ok {
		return 0, v.wrap(autotask.ErrInvalid, "there is no known id %d behind %d", n, after)
	}
	return id, nil
}

// knows reports whether a row is known. Where ids are not kept at all, any may be.
func (v *visit) knows(id int64) (bool, error) {
	if v.feed.options.Known == nil && !v.keepsIDs() {
		return true, nil
	}
	n, err := v.knownCount(id-1, id)
	return n > 0, err
}

// compare notes which known ids in a range are not among the rows read of it,
// and which of the rows are not known, if there is anywhere to note that.
func (v *visit) compare(rows []*autotask.Row, after, last int64, missing, unknown *[]int64) error {
	if !v.comparesIDs() || v.feed.deletions(v.name) == Never || last <= after {
		return nil
	}
	known, err := v.knownIDs(after, last, math.MaxInt32)
	if err != nil {
		return err
	}
	i := 0
	for _, id := range known {
		for ; i < len(rows) && rows[i].ID < id; i++ {
			if unknown != nil {
				*unknown = append(*unknown, rows[i].ID)
			}
		}
		if i < len(rows) && rows[i].ID == id {
			i++
			continue
		}
		*missing = append(*missing, id)
	}
	for ; i < len(rows) && unknown != nil; i++ {
		*unknown = append(*unknown, rows[i].ID)
	}
	return v.checkShare(len(*missing))
}

// checkShare is ErrMissing if so many rows are missing that it is not believed.
func (v *visit) checkShare(missing int) error {
	share := v.feed.options.MissingShare
	if missing <= 0 || share >= 1 || v.feed.deletions(v.name) == Never {
		return nil
	}
	known, err := v.knownCount(beforeAll, math.MaxInt64)
	if err != nil {
		return err
	}
	if missing == known && known > 1 || missing > fewMissing && float64(missing) > share*float64(known) {
		return v.wrap(ErrMissing, "at least %d of %d", missing, known)
	}
	return nil
}

// miss notes that a row was not found. It is read once more before it is gone.
func (v *visit) miss(id int64, how How) {
	if v.p.Search == nil {
		v.p.Search = &search{How: how}
	}
	v.p.Search.Missing = append(v.p.Search.Missing, id)
}

func (v *visit) findDeletions() error {
	if err := v.settle(); err != nil { // what was missing so far
		return err
	}
	if !v.p.Searched {
		if err := v.startSearch(); err != nil {
			return err
		}
		v.p.Searched = true
	}
	for v.p.Search != nil && len(v.p.Search.Nodes) > 0 {
		if err := v.searchOn(); err != nil {
			return err
		}
	}
	return v.settle()
}

// startSearch looks whether something was deleted, in the way that was chosen.
// It counts the rows in any case: that shows whether the user may still read
// them. If not, what has changed meanwhile was not shown either.
func (v *visit) startSearch() error {
	p, o := v.p, v.feed.options
	how := v.feed.deletions(v.name)
	sweep := v.isDue(p.Swept, o.SweepEvery) || how == Log && p.Swept.IsZero()
	switch {
	case how == Never:
		return nil
	case !v.comparesIDs():
		return v.anyRow()
	}
	known, last, err := v.knownRows()
	if err != nil || known == 0 {
		return err
	}
	alive, err := v.count(beforeAll, last)
	if err == nil {
		err = v.checkShare(known - alive)
	}
	if err != nil {
		return err
	}
	sweep = sweep || how == Count && v.costs(known, known-alive) > known/v.feed.page+1
	if sweep || how == Count && alive != known {
		p.Search = &search{How: ByCount, Nodes: []node{{After: beforeAll, Last: last, Alive: alive, Read: sweep}}}
		if sweep {
			p.Search.How = BySweep
		}
	}
	return nil
}

// knownRows returns how many rows are known, and the greatest of their ids. Rows
// up to that id can only vanish, but for those that show late.
func (v *visit) knownRows() (n int, last int64, err error) {
	if n, err = v.knownCount(beforeAll, math.MaxInt64); err == nil && n > 0 {
		last, err = v.knownNth(beforeAll, n-1)
	}
	return n, last, err
}

// costs is about how many requests it takes to find so many rows by halving.
func (v *visit) costs(known, missing int) int {
	missing = max(missing, -missing)
	if missing == 0 {
		return 0
	}
	return missing * (bits.Len(uint(known/v.feed.page/missing)) + 3)
}

// count asks how many rows there are in a range of ids.
func (v *visit) count(after, last int64) (int, error) {
	if err := v.spend(); err != nil {
		return 0, err
	}
	n, err := v.rows.Count(v.ctx, autotask.Query{Filter: autotask.Lte("id", last), After: position(after)})
	return int(n), err
}

// searchOn makes one step of the search: it compares the ids of a page, or
// halves a range. The half that is not counted has what the other has not: if
// that is wrong because rows went meanwhile, the next run finds those.
func (v *visit) searchOn() error {
	s := v.p.Search
	n := s.Nodes[len(s.Nodes)-1]
	known, err := v.knownCount(n.After, n.Last)
	if err != nil {
		return err
	}
	if n.Read || known != n.Alive && known <= v.feed.page {
		return v.compareRange(n)
	}
	if known == n.Alive {
		s.Nodes = s.Nodes[:len(s.Nodes)-1]
		return nil
	}
	middle, err := v.knownNth(n.After, known/2-1)
	if err != nil {
		return err
	}
	alive, err := v.count(n.After, middle)
	if err != nil {
		return err
	}
	s.Nodes = append(s.Nodes[:len(s.Nodes)-1:len(s.Nodes)-1],
		node{After: middle, Last: n.Last, Alive: max(n.Alive-alive, 0)},
		node{After: n.After, Last: middle, Alive: alive})
	return nil
}

func (v *visit) compareRange(n node) error {
	s := v.p.Search
	rows, err := v.readPage(v.ctx, autotask.Lte("id", n.Last), n.After, "id")
	if err != nil {
		return err
	}
	end, short := v.pageEnd(rows, n.Last)
	if err := v.compare(rows, n.After, end, &s.Missing, &s.Unknown); err != nil {
		return err
	}
	s.Nodes = s.Nodes[: len(s.Nodes)-1 : len(s.Nodes)-1]
	if !short {
		s.Nodes = append(s.Nodes, node{After: end, Last: n.Last, Read: true})
		return v.emit(nil) // so that a long sweep goes on after a kill
	}
	if s.How == BySweep && len(s.Nodes) == 0 {
		v.p.Swept = now()
	}
	return nil
}

// settle confirms what a search has found, and reports it.
func (v *visit) settle() error {
	s := v.p.Search
	if s == nil || len(s.Nodes) > 0 {
		return nil
	}
	for len(s.Missing) > 0 {
		if err := v.confirm(s); err != nil {
			return err
		}
	}
	for len(s.Unknown) > 0 {
		if err := v.readUnknown(s); err != nil {
			return err
		}
	}
	if len(s.Gone) > 0 && s.How != ByLog {
		if err := v.countAgain(s); err != nil {
			return err
		}
	}
	gone := order(s.Gone)
	v.p.Search = nil
	changes := make([]Change, len(gone))
	for i, id := range gone {
		changes[i] = Change{Kind: Gone, Collection: v.name, ID: id, How: s.How}
	}
	v.p.Known.remove(gone)
	v.unsum(gone)
	if slices.Contains(gone, v.p.Told.ID) {
		v.p.Told = told{}
	}
	if len(changes) == 0 {
		return nil
	}
	return v.emit(changes)
}

// confirm reads rows that a search did not find: queries may lag behind.
func (v *visit) confirm(s *search) error {
	if len(s.Missing) > fewReads {
		return v.confirmMany(s)
	}
	id := s.Missing[0]
	row, err := v.get(id)
	if err != nil {
		return err
	}
	s.Missing = s.Missing[1:]
	if row == nil {
		s.Gone = append(s.Gone, id)
		return nil
	}
	return v.tell([]*autotask.Row{row}, s.How)
}

func (v *visit) confirmMany(s *search) error {
	ids := order(s.Missing[:min(len(s.Missing), v.feed.page)])
	rows, err := v.readPage(v.ctx, autotask.In("id", ids), beforeAll)
	if err != nil {
		return err
	}
	s.Missing = s.Missing[min(len(s.Missing), v.feed.page):]
	i := 0
	for _, id := range ids {
		if i < len(rows) && rows[i].ID == id {
			i++
			continue
		}
		s.Gone = append(s.Gone, id)
	}
	return v.tell(rows, s.How)
}

// readUnknown reads rows that are there and not known: they came back with old
// stamps, or showed later than the overlap.
func (v *visit) readUnknown(s *search) error {
	n := min(len(s.Unknown), v.feed.page)
	rows, err := v.readPage(v.ctx, autotask.In("id", s.Unknown[:n]), beforeAll)
	if err != nil {
		return err
	}
	s.Unknown = s.Unknown[n:]
	return v.tell(rows, s.How)
}

func (v *visit) tell(rows []*autotask.Row, how How) error {
	if len(rows) == 0 {
		return nil
	}
	changes, err := v.upserted(rows, how)
	if err != nil {
		return err
	}
	return v.emit(changes)
}

// countAgain makes sure that the right to read was not lost while the search
// went on: then, every row would seem to be gone.
func (v *visit) countAgain(s *search) error {
	if v.feed.options.MissingShare >= 1 {
		return nil
	}
	if !v.comparesIDs() {
		return v.anyRow()
	}
	known, last, err := v.knownRows()
	if err != nil || known == 0 {
		return err
	}
	alive, err := v.count(beforeAll, last)
	if err != nil {
		return err
	}
	return v.checkShare(max(known-alive, len(s.Gone)))
}

// anyRow is ErrMissing if there is no row at all. It is what can be asked where
// ids are not kept.
func (v *visit) anyRow() error {
	rows, err := v.readPage(v.ctx, autotask.Filter{}, beforeAll, "id")
	if err == nil && len(rows) == 0 {
		err = v.wrap(ErrMissing, "there are none")
	}
	return err
}

// logged is what is read of a row of a deletion log.
type logged struct {
	TicketID autotask.Optional[int64] `json:"ticketID"`
	TaskID   autotask.Optional[int64] `json:"taskID"`
}

// readLogs reads what was deleted since the last run. In the order of their
// ids, entries that were made meanwhile come last.
func (v *visit) readLogs() error {
	p := v.p
	logs := activityLogs[v.name]
	if v.name == "Tickets" {
		logs = []activityLog{{collection: "DeletedTicketLogs", field: "ticketID"}}
	}
	if v.feed.deletions(v.name) != Log || p.LogFrom.IsZero() {
		return nil
	}
	if v.feed.forgotten(p) {
		p.Swept = time.Time{}
	}
	for ; p.Log < len(logs); p.Log++ {
		if err := v.readLog(logs[p.Log]); err != nil {
			return err
		}
		p.LogPass = nil
	}
	if !p.LogNext.IsZero() {
		p.LogFrom = p.LogNext.Add(-v.feed.options.Overlap)
	}
	p.Log, p.LogNext = 0, time.Time{}
	return nil
}

func (v *visit) readLog(log activityLog) error {
	p := v.p
	ended := p.LogPass != nil && p.LogPass.Whole
	if p.LogPass == nil {
		p.LogPass = &pass{After: beforeAll}
	}
	for !ended {
		ctx, earliest := autotask.WatchServerTime(v.ctx)
		rows, err := v.pageOf(ctx, v.feed.client.Collection(log.collection), autotask.Gte("deletedDateTime", p.LogFrom), p.LogPass.After)
		if err != nil {
			return err
		}
		if p.LogPass.Bound.IsZero() {
			p.LogPass.Bound = earliest()
		}
		if err := v.noteLogged(log, rows); err != nil {
			return err
		}
		ended = len(rows) < v.feed.page
		p.LogPass.Whole = ended
	}
	if bound := p.LogPass.Bound; p.LogNext.IsZero() || bound.Before(p.LogNext) {
		p.LogNext = bound
	}
	for len(p.Parents) > 0 {
		if err := v.recheck(log, p.Parents[0]); err != nil {
			return err
		}
	}
	return nil
}

// noteLogged notes what a page of a log names: tickets that were deleted, or
// tickets and tasks of which something was.
func (v *visit) noteLogged(log activityLog, rows []*autotask.Row) error {
	var named []int64
	for _, row := range rows {
		var l logged
		if err := json.Unmarshal(row.JSON, &l, jsontext.AllowInvalidUTF8(true)); err != nil {
			return v.wrap(err, "a row of %s", log.collection)
		}
		id := l.TicketID
		if log == taskLog {
			id = l.TaskID
		}
		if n, ok := id.Get(); ok {
			named = append(named, n)
		}
		v.p.LogPass.After = row.ID
	}
	if v.name != "Tickets" {
		v.p.Parents = order(append(v.p.Parents, named...))
		return nil
	}
	for _, id := range order(named) {
		known, err := v.knows(id)
		if err != nil {
			return err
		}
		if known && (v.p.Search == nil || !slices.Contains(v.p.Search.Missing, id)) {
			v.miss(id, ByLog)
		}
	}
	return nil
}

// recheck lists the rows that are left of a ticket or a task.
func (v *visit) recheck(log activityLog, parent int64) error {
	left := []int64{}
	for after, ended := int64(beforeAll), false; !ended; {
		rows, err := v.readPage(v.ctx, autotask.Eq(log.field, parent), after, "id")
		if err != nil {
			return err
		}
		for _, row := range rows {
			left = append(left, row.ID)
			after = row.ID
		}
		ended = len(rows) < v.feed.page
	}
	v.p.Parents = v.p.Parents[1:]
	return v.emit([]Change{{Kind: Recheck, Collection: v.name, ID: parent, Parent: log.field, IDs: left, How: ByLog}})
}
