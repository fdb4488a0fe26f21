package changes

import (
	"github.com/autotask-go/autotask/webhook"
)

// Dirty makes the next run read a row by its id, whatever else it reads. It is
// for hints from elsewhere, which may be lost: what changed is found without
// them, later. A collection that the feed does not follow is ignored.
func (f *Feed) Dirty(collection string, id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dirty == nil {
		f.dirty = make(map[string][]int64)
	}
	f.dirty[collection] = append(f.dirty[collection], id)
}

// Event takes the event of a webhook: its item is dirty. A number that is
// missing before it, and the event that the webhook was switched off, make Due
// tell that a run is to be made now. It is made to be called by the handler of
// webhook.NewHandler.
func (f *Feed) Event(e *webhook.Event) {
	if e.Action == webhook.ActionDeactivated {
		f.wake()
		return
	}
	f.gaps.See(e)
	if name := collectionOf(e.Entity); name != "" {
		f.Dirty(name, e.ID)
	}
	f.mu.Lock()
	gaps := len(f.gaps.Missing())
	more := gaps > f.noted
	f.noted = gaps
	f.mu.Unlock()
	if more {
		f.wake()
	}
}

// Due returns a channel that receives a value when events show that others were
// missed: call Run then, and not only at the next appointed time.
func (f *Feed) Due() <-chan struct{} { return f.due }

func (f *Feed) wake() {
	select {
	case f.due <- struct{}{}:
	default: // it is due already
	}
}

// collectionOf names the collection of an entity that has webhooks.
func collectionOf(entity string) string {
	switch entity {
	case "Company":
		return "Companies"
	case "ConfigurationItem", "Contact", "Ticket", "TicketNote":
		return entity + "s"
	}
	return ""
}

// begin returns the state to begin a run with. What has become dirty is in it,
// and stays in the feed's until a batch of the run has been dealt with.
func (f *Feed) begin() saved {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, ids := range f.dirty {
		if p := f.state.Collections[name]; p != nil {
			p.Dirty = order(append(p.Dirty, ids...))
		}
	}
	f.dirty = nil
	return f.state.clone()
}
