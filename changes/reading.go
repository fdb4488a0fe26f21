package changes

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/autotask-go/autotask"
)

// readChanges reads what changed since the last run, by ascending id. The state
// goes forward by whole pages. What changes behind the page has a stamp that is
// later than the beginning, and is found by the next run.
func (v *visit) readChanges() error {
	if v.p.Pass == nil {
		pass, err := v.nextPass()
		if err != nil {
			return err
		}
		v.p.Pass = pass
	}
	for ended := false; !ended; {
		var err error
		if ended, err = v.readOn(); err != nil {
			return err
		}
	}
	return nil
}

// nextPass says what there is to be read: everything, or what changed, or what
// has a new id.
func (v *visit) nextPass() (*pass, error) {
	p := v.p
	switch {
	case p.From.IsZero(), len(p.Cursors) == 0 && v.isDue(p.Read, v.feed.options.ReadEvery):
		return &pass{Whole: true, After: beforeAll}, nil
	case len(p.Cursors) == 0:
		return &pass{After: p.Last}, nil
	case !v.noticesLoss():
		return &pass{After: beforeAll}, nil
	}
	known, last, err := v.knownRows()
	if err != nil || known == 0 {
		return &pass{After: beforeAll}, err
	}
	return &pass{After: beforeAll, Witness: &last}, nil
}

// noticesLoss reports whether it is noticed that the API user has lost the right
// to read the collection.
func (v *visit) noticesLoss() bool {
	return v.comparesIDs() && v.feed.deletions(v.name) != Never
}

// since is the condition of a pass. Nothing in it can cease to hold of a row that
// is still to be read: cursors move forward only.
func (v *visit) since() autotask.Filter {
	pass := v.p.Pass
	if pass.Whole || len(v.p.Cursors) == 0 {
		return autotask.Filter{}
	}
	var one []autotask.Filter
	for _, cursor := range v.p.Cursors {
		one = append(one, autotask.Gte(cursor, v.p.From))
	}
	if pass.Witness != nil {
		one = append(one, autotask.Eq("id", *pass.Witness))
	}
	return autotask.Or(one...)
}

// readOn reads one page of the pass.
func (v *visit) readOn() (ended bool, err error) {
	pass, before := v.p.Pass, v.p.Pass.After
	rows, ended, err := v.nextRows()
	if err != nil {
		return false, err
	}
	how := ByCursor
	switch {
	case pass.Whole:
		how = ByReading
		rows, err = v.ofWhole(rows, before, ended)
	case len(v.p.Cursors) == 0:
		how = ByID
	}
	if err != nil {
		return false, err
	}
	changes, err := v.upserted(rows, how)
	if err != nil {
		return false, err
	}
	if ended {
		v.endPass()
	}
	if len(changes) > 0 || !ended {
		err = v.emit(changes)
	}
	return ended, err
}

// nextRows reads the rows of the next page. An empty page would look like the
// end, and might come from the right to read that was lost. So each page begins
// with the last row of the one before, and the first has the row with the
// greatest id known: a page that shows a row is believed.
func (v *visit) nextRows() (rows []*autotask.Row, ended bool, err error) {
	pass := v.p.Pass
	ctx, earliest := autotask.WatchServerTime(v.ctx)
	rows, err = v.readPage(ctx, v.since(), max(pass.After-1, beforeAll))
	if err != nil {
		return nil, false, err
	}
	if pass.Bound.IsZero() {
		pass.Bound = earliest()
	}
	ended = len(rows) < v.feed.page
	pass.Proven = len(rows) > 0
	if len(rows) > 0 && rows[0].ID == pass.After {
		rows = rows[1:]
	}
	if len(rows) > 0 {
		pass.After = rows[len(rows)-1].ID
	}
	if !pass.Whole {
		rows = slices.DeleteFunc(rows, v.isTold)
	}
	return rows, ended, nil
}

// isTold reports whether a row is the witness, and as it was told last.
func (v *visit) isTold(row *autotask.Row) bool {
	w := v.p.Pass.Witness
	return w != nil && row.ID == *w && v.p.Told == told{row.ID, hashOf(row)}
}

// ofWhole deals with a page of everything: known rows that are not on it are
// missing, and of a collection without cursors only rows in blocks that changed
// are told of.
func (v *visit) ofWhole(rows []*autotask.Row, before int64, ended bool) ([]*autotask.Row, error) {
	pass := v.p.Pass
	if len(v.p.Cursors) == 0 {
		rows = v.sum(rows, ended)
	}
	end := pass.After
	if ended {
		end = math.MaxInt64
	}
	if err := v.compare(rows, before, end, &pass.Missing, nil); err != nil || len(v.p.Cursors) > 0 {
		return rows, err
	}
	return v.changedBlocks(rows), nil
}

// sum notes the hashes of the blocks of a page. The last block of a full page
// may go on behind it, and is left for the next page.
func (v *visit) sum(rows []*autotask.Row, ended bool) []*autotask.Row {
	pass := v.p.Pass
	if !ended && len(rows) > 0 {
		open := rows[len(rows)-1].ID >> blockBits
		if n := len(rows); rows[0].ID>>blockBits != open {
			for n > 0 && rows[n-1].ID>>blockBits == open {
				n--
			}
			rows = rows[:n]
			pass.After = rows[n-1].ID
		}
	}
	for begin := 0; begin < len(rows); {
		end := begin + 1
		block, hash := rows[begin].ID>>blockBits, hashOf(rows[begin])
		for ; end < len(rows) && rows[end].ID>>blockBits == block; end++ {
			hash += hashOf(rows[end])
		}
		if n := len(pass.Sums.blocks); n > 0 && pass.Sums.blocks[n-1] == block {
			pass.Sums.hashes = slices.Clone(pass.Sums.hashes) // a snapshot has the others
			pass.Sums.hashes[n-1] += hash
		} else {
			pass.Sums.add(block, hash)
		}
		begin = end
	}
	return rows
}

func hashOf(row *autotask.Row) uint64 {
	sum := sha256.Sum256(row.JSON)
	return binary.LittleEndian.Uint64(sum[:])
}

// changedBlocks leaves out the rows of blocks whose hash is the one of the last
// reading.
func (v *visit) changedBlocks(rows []*autotask.Row) []*autotask.Row {
	var changed []*autotask.Row
	for _, row := range rows {
		block := row.ID >> blockBits
		was, had := v.p.Sums.of(block)
		if is, _ := v.p.Pass.Sums.of(block); !had || was != is {
			changed = append(changed, row)
		}
	}
	return changed
}

// unsum forgets the hashes of rows that were told of otherwise than by reading
// the whole: what the caller has of them is no longer what was hashed.
func (v *visit) unsum(ids []int64) {
	if len(v.p.Sums.blocks) > 0 && len(ids) > 0 {
		v.p.Sums = v.p.Sums.without(ids)
	}
}

// endPass says where the next pass begins: not at the newest stamp seen, since
// what changed while pages were read may be older, and not by this machine's
// clock, but where the server's clock was before the first page was read, less
// the time that a change may take to show.
func (v *visit) endPass() {
	pass, p := v.p.Pass, v.p
	switch believed := pass.Proven || !pass.Whole && !v.noticesLoss(); {
	case len(p.Cursors) == 0 && !pass.Whole:
		// New ids alone are not all that changed.
	case !believed:
		p.Next = p.From // read again
	case pass.Bound.IsZero():
		p.Next = time.Time{} // without a Date header, all is read again
	default:
		p.Next = pass.Bound.Add(-v.feed.options.Overlap)
	}
	if pass.Whole {
		p.Searched = pass.Proven // all ids were compared; else they are counted
		p.Sums = pass.Sums
		p.Read, p.Swept = now(), now()
		if p.LogFrom.IsZero() {
			p.LogFrom = p.Next
		}
		for _, id := range pass.Missing {
			v.miss(id, BySweep)
		}
	}
	p.Pass, p.Step = nil, stepChanges+1 // in the state of its last page, too
}

// now is this machine's time, for intervals only.
func now() time.Time { return time.Now().UTC().Round(0) }
