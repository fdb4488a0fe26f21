package alert_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/alert"
	"github.com/autotask-go/autotask/autotasktest"
)

// playStorm plays the history of a storm of many keys, in which a person may close
// the storm's ticket.
func (h *history) playStorm() {
	h.keys = nil
	for i := range 5 + h.rand.IntN(6) {
		h.keys = append(h.keys, fmt.Sprintf("ping/host-%d", i))
	}
	h.policy.Storm = alert.Storm{Keys: 1 + h.rand.IntN(4), Within: 10 * time.Minute}
	var all sync.WaitGroup
	start := h.starter(&all)
	for _, key := range h.keys {
		for i := range 1 + h.rand.IntN(2) {
			start(func(r *rand.Rand) {
				at := time.Now().Add(h.ahead)
				for range 1 + r.IntN(3) {
					h.raise(r, key, fmt.Sprintf("run-%d", i), at)
					pass(h.lag + upTo(r))
				}
			})
		}
	}
	for range h.rand.IntN(3) {
		start(h.meddle)
	}
	all.Wait()
}

// judgeStorm returns what is wrong at rest, after one more occurrence of each key: it
// has one ticket of its own, or is named on a storm's, by each process at most once.
func (h *history) judgeStorm() (wrong []string) {
	pass(11 * time.Minute)
	for i, key := range h.keys {
		h.raise(random(h.seed, uint64(900+i)), key, "run-last", time.Now().Add(h.ahead))
	}
	wrong = h.wrong
	storms := make(map[string]bool)
	for _, row := range h.srv.Rows("Tickets") {
		if strings.HasPrefix(textOf(row["externalID"]), "alert:!storm") && row["completedDate"] == nil {
			storms[fmt.Sprint(row["id"])] = true
		}
	}
	named := make(map[string]int)
	for _, row := range h.srv.Rows("TicketNotes") {
		line, _, ok := strings.Cut(textOf(row["description"]), "\n")
		if ok && storms[fmt.Sprint(row["ticketID"])] && strings.HasPrefix(line, "Alert key: ") {
			named[strings.TrimPrefix(line, "Alert key: ")]++
		}
	}
	calm := h.locked && len(h.byHand) == 0 && h.lag == 0 && !h.late
	for _, key := range h.keys {
		own := len(openOf(h.srv, "alert:"+key))
		isTwice := calm && own > 0 && named[key] > 0
		if own > 1 || own+named[key] == 0 || named[key] > h.born || isTwice {
			wrong = append(wrong, fmt.Sprintf("%s has %d open tickets and is named %d times", key, own, named[key]))
		}
	}
	return wrong
}

// TestHistoriesOfStorms is like TestHistories, with a storm. Without a shared Locker,
// each process may name a key.
func TestHistoriesOfStorms(t *testing.T) {
	t.Parallel()
	histories := uint64(15)
	if os.Getenv(playAll) == "all" {
		histories = 1_000
	}
	playHistories(t, histories, func(h *history) []string {
		h.playStorm()
		return h.judgeStorm()
	})
}

// TestALostNameIsLookedFor repeats an event with another text, after the note that names
// its key on a storm ticket had been lost and had landed.
func TestALostNameIsLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		client := srv.Client()
		policy := alert.Policy{Storm: alert.Storm{Keys: 1, Within: time.Hour}}
		ping := func(host string) alert.Alert {
			a := failed("run-" + host)
			a.Key = "ping/" + host
			return a
		}
		for _, host := range []string{"a", "b", "c"} {
			upsert(t, client, ping(host), policy)
		}
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/Notes", Status: 504, Lands: time.Minute})
		lost := ping("d")
		_, err := alert.Upsert(t.Context(), client, lost, policy)
		require.ErrorIs(t, err, autotask.ErrOutcomeUnknown)
		pass(20 * time.Minute)
		lost.Text += " And again."
		assert.True(t, upsert(t, client, lost, policy).Storm)
		notes := 0
		for _, row := range srv.Rows("TicketNotes") {
			if strings.Contains(textOf(row["title"]), "[run-d]") {
				notes++
			}
		}
		assert.Equal(t, 1, notes)
	})
}
