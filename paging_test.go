package autotask_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func TestPaging_RangingTwiceGivesTheSameRows(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, q := range []autotask.Query{{}, {Filter: longIn()}, {Filter: autotask.In("id", ids...)}} {
			seq := read(q)
			assert.Equal(t, ids, collect(t, seq))
			assert.Equal(t, ids, collect(t, seq))
		}
	})
}

func TestPaging_LeavingTheLoopEndsTheReading(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		ahead := 0
		if strings.Contains(t.Name(), "Prefetch") {
			ahead = 1
		}
		spread(srv, ids)
		for n, q := range map[int]autotask.Query{
			1: {}, 3: {Filter: longIn()}, -1: {Filter: autotask.In("id", ids...)},
		} {
			srv.ResetRequests()
			for _, err := range read(q) {
				require.NoError(t, err)
				break
			}
			synctest.Wait()
			// The page ahead may have been cancelled before it was sent; of a merge it
			// may be the page of more than one part.
			assert.GreaterOrEqual(t, len(srv.Requests()), max(n, -n))
			assert.LessOrEqual(t, len(srv.Requests()), max(n, -n)*(1+ahead))
		}
	})
}

func TestPaging_AnErrorOnPageTwoComesAfterPageOne(t *testing.T) {
	t.Parallel()
	eachWay(t, 1001, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, c := range []struct {
			fault autotasktest.Fault
			q     autotask.Query
		}{
			{autotasktest.Fault{Op: "POST Tickets/query/next"}, autotask.Query{}},
			{autotasktest.Fault{Op: "POST Tickets/query", Skip: 1}, autotask.Query{Filter: autotask.In("id", ids...)}},
		} {
			c.fault.Status, c.fault.Body = 500, `{"errors":["no"]}`
			srv.Inject(c.fault)
			var got []int64
			var failures []error
			for id, err := range read(c.q) {
				if err != nil {
					failures = append(failures, err)
					continue // the loop must end by itself
				}
				got = append(got, id)
			}
			assert.Equal(t, ids[:500], got)
			require.Len(t, failures, 1)
			require.ErrorIs(t, failures[0], autotask.ErrInvalid)
		}
	})
}

func TestPaging_AnErrorInAPartComesAfterWhatWasReadBefore(t *testing.T) {
	t.Parallel()
	eachWay(t, 2000, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids) // of the first 500 contacts, about 1000 tickets: two pages
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", Status: 500, Body: `{"errors":["no"]}`})
		var got []int64
		var failure error
		for id, err := range read(autotask.Query{Filter: longIn()}) {
			if failure = err; err == nil {
				got = append(got, id)
			}
		}
		require.ErrorIs(t, failure, autotask.ErrInvalid)
		assert.GreaterOrEqual(t, len(got), 500, "a page of each part was read")
		assert.Equal(t, ids[:len(got)], got)
	})
}

func TestPaging_AnEmptyLastPageIsTheEnd(t *testing.T) {
	t.Parallel()
	eachWay(t, 500, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		assert.Equal(t, ids, collect(t, read(autotask.Query{})))
		assert.Len(t, srv.Requests(), 2)
		assert.Equal(t, ids, collect(t, read(autotask.Query{Filter: autotask.In("id", slices.Concat(ids, []int64{1e9})...)})))
		assert.Empty(t, collect(t, read(autotask.Query{Filter: autotask.Eq("title", "none has it")})))
	})
	srv, client := tenant(t)
	seedTickets(srv, 500)
	pages := 0
	for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{}) {
		require.NoError(t, err)
		assert.Len(t, page.Items, 500)
		pages++
	}
	assert.Equal(t, 1, pages, "an empty page has no position")
}

func TestPaging_AnEmptyPageInBetweenIsNotTheEnd(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		client, mock := mocked(t)
		mock.RegisterResponder(http.MethodPost, ticketsQuery,
			httpmock.NewStringResponder(200, `{"items":[],"pageDetails":{"count":0,"nextPageUrl":"`+ticketsQuery+`/next?paging=1"}}`))
		mock.RegisterResponder(http.MethodPost, ticketsQuery+"/next", httpmock.NewStringResponder(200, `{"items":[{"id":3}],"pageDetails":{"count":1}}`))
		assert.Equal(t, []int64{3}, collect(t, way(t.Context(), client, autotask.Query{})), name)
	}
}

func TestPaging_ARepeatedNextPageIsAnErrorNotALoop(t *testing.T) {
	t.Parallel()
	eachWay(t, 501, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", RepeatNextPage: true, Times: -1})
		var got []int64
		var failure error
		for id, err := range read(autotask.Query{}) {
			if failure = err; err == nil {
				got = append(got, id)
			}
		}
		require.ErrorIs(t, failure, autotask.ErrServer)
		assert.Contains(t, failure.Error(), "again")
		assert.Equal(t, ids, got)
		assert.Len(t, srv.Requests(), 2)
	})
}

func TestPaging_LimitIsTheTotalAndNoNeedlessPageIsRead(t *testing.T) {
	t.Parallel()
	eachWay(t, 1600, func(t *testing.T, srv *autotasktest.Server, ids []int64, read func(autotask.Query) iter.Seq2[int64, error]) {
		spread(srv, ids)
		for _, c := range []struct{ limit, pages int }{
			{1, 1}, {499, 1}, {500, 1}, {501, 2}, {999, 2}, {1000, 2}, {1001, 3}, {1499, 3}, {1500, 3}, {1501, 4}, {1600, 4},
		} {
			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit})))
			assert.Len(t, srv.Requests(), c.pages, "limit %d", c.limit)

			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit, Filter: autotask.In("id", ids...)})))
			assert.Len(t, srv.Requests(), c.pages, "limit %d", c.limit)

			srv.ResetRequests()
			assert.Equal(t, ids[:c.limit], collect(t, read(autotask.Query{Limit: c.limit, Filter: longIn()})))
			assert.Equal(t, 3, count(srv, "POST Tickets/query"), "limit %d", c.limit)
			if c.limit < 500 {
				assert.Zero(t, count(srv, "POST Tickets/query/next"), "limit %d", c.limit)
			}
		}
		assert.Equal(t, ids, collect(t, read(autotask.Query{Limit: 5000})))
	})
}

func TestPaging_ListGoesTheSameWay(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1100)
	for _, prefetch := range []bool{false, true} {
		list, err := client.Tickets.List(t.Context(), autotask.Query{Filter: autotask.In("id", ids...), Limit: 600, After: autotask.Int(ids[99]), Prefetch: prefetch})
		require.NoError(t, err)
		require.Len(t, list, 600)
		assert.Equal(t, ids[100], list[0].ID)
		assert.Equal(t, ids[699], list[599].ID)
	}
}

// In, split.

// Pages and positions.

func TestPages_ALaterRunGoesOnBehindAnyPage(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ids := seedTickets(srv, 1200)
	spread(srv, ids)
	for name, f := range map[string]autotask.Filter{
		"no filter": {}, "ids": autotask.In("id", ids...), "numbers": longIn(), "beneath an Or": autotask.Or(longIn(), autotask.Exist("title")),
	} {
		read := 0
		for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{Filter: f, Fields: []string{"title"}}) {
			require.NoError(t, err, name)
			require.NotEmpty(t, page.Items)
			assert.LessOrEqual(t, len(page.Items), 500)
			read += len(page.Items)
			assert.Equal(t, autotask.Int(ids[read-1]), page.After, name)

			// As another run of the program would have it, from a file.
			kept, err := json.Marshal(page.After)
			require.NoError(t, err)
			later := autotask.Query{Filter: f, Fields: []string{"title"}}
			require.NoError(t, json.Unmarshal(kept, &later.After))
			assert.Equal(t, append([]int64(nil), ids[read:]...), collect(t, allIDs(t.Context(), client, later)), name)
			n, err := client.Tickets.Count(t.Context(), later)
			require.NoError(t, err)
			assert.EqualValues(t, len(ids)-read, n, name)
		}
		assert.Equal(t, len(ids), read, name)
	}
}

func TestPages_TheIDZeroIsAPositionLikeAnyOther(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	other := srv.Seed("Companies", nil)
	read := func(after autotask.Optional[int64]) []int64 {
		var ids []int64
		for page, err := range autotask.Pages[company](t.Context(), client, autotask.Query{After: after, Limit: 10}) {
			require.NoError(t, err)
			for _, c := range page.Items {
				ids = append(ids, c.ID)
			}
		}
		return ids
	}
	all := read(autotask.Optional[int64]{})
	assert.Equal(t, autotasktest.OwnCompanyID, all[0])
	assert.Contains(t, all, other)
	assert.Equal(t, all, read(autotask.Null[int64]()), "nothing was read yet")
	assert.Equal(t, all[1:], read(autotask.Int(0)))
	for page, err := range autotask.Pages[company](t.Context(), client, autotask.Query{Limit: 1}) {
		require.NoError(t, err)
		after, ok := page.After.Get()
		assert.True(t, ok)
		assert.Zero(t, after)
	}
}

func TestPages_RowsOutOfOrderHaveNoPosition(t *testing.T) {
	t.Parallel()
	for items, after := range map[string]autotask.Optional[int64]{
		`[{"id":2},{"id":1}]`: {},
		`[{"id":9},{"id":8}]`: autotask.Int(7),
	} {
		client := answering(t, 200, []byte(`{"items":`+items+`,"pageDetails":{}}`))
		runs := 0
		for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{After: after}) {
			require.ErrorIs(t, err, autotask.ErrServer, items)
			assert.Nil(t, page)
			runs++
		}
		assert.Equal(t, 1, runs)
		for _, err := range client.Tickets.All(t.Context(), autotask.Query{After: after}) {
			require.NoError(t, err, "All needs no position")
		}
	}
}

func TestPages_OfNotesAndTimeEntries(t *testing.T) {
	t.Parallel()
	srv, client := tenant(t)
	ticket := srv.Seed("Tickets", nil)
	noteID := srv.Seed("TicketNotes", map[string]any{"ticketID": ticket})
	entryID := srv.Seed("TimeEntries", map[string]any{"ticketID": ticket})
	q := autotask.Query{Filter: autotask.Eq("ticketID", ticket)}
	for page, err := range client.Notes.Pages(t.Context(), q) {
		require.NoError(t, err)
		assert.Equal(t, autotask.Int(noteID), page.After)
	}
	for page, err := range client.TimeEntries.Pages(t.Context(), q) {
		require.NoError(t, err)
		assert.Equal(t, autotask.Int(entryID), page.After)
	}
	assert.Equal(t, []string{"POST TicketNotes/query", "POST TimeEntries/query"}, ops(srv))
}

// Prefetch.

func TestPrefetch_ReadsOnePageWhileTheCallerWorks(t *testing.T) {
	t.Parallel()
	for prefetch, want := range map[bool]time.Duration{
		false: 6 * time.Second,
		true:  4 * time.Second, // a page, and then the work on three
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := autotasktest.NewInProcess(t)
			seedTickets(srv, 1001)
			srv.SetLatency(time.Second)
			client := srv.InProcessClient()
			began := time.Now()
			read := 0
			for _, err := range client.Tickets.Pages(t.Context(), autotask.Query{Prefetch: prefetch}) {
				require.NoError(t, err)
				read++
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				synctest.Wait()
				if prefetch {
					assert.Len(t, srv.Requests(), min(read+1, 3), "one page ahead, and no more")
				} else {
					assert.Len(t, srv.Requests(), read)
				}
			}
			assert.Equal(t, 3, read)
			assert.Equal(t, want, time.Since(began))
			assert.Equal(t, 1, srv.MaxInFlight("Tickets"))
		})
	}
}

// hanging is a tenant whose second page never comes.
func hanging(t *testing.T) (*autotasktest.Server, *autotask.Client) {
	t.Helper()
	srv := autotasktest.NewInProcess(t)
	seedTickets(srv, 1001)
	srv.Inject(autotasktest.Fault{Op: "POST Tickets/query/next", Hang: true, Times: -1})
	return srv, srv.InProcessClient()
}

func TestPrefetch_LeavingTheLoopEndsTheReadAhead(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*testing.T, iter.Seq2[*autotask.Ticket, error]){
		"by break": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			for _, err := range tickets {
				require.NoError(t, err)
				synctest.Wait() // the page is being read
				break
			}
		},
		"by a panic": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			defer func() { _ = recover() }()
			for _, err := range tickets {
				require.NoError(t, err)
				synctest.Wait()
				panic("in the body of the loop")
			}
		},
		"by Goexit": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, err := range tickets {
					assert.NoError(t, err)
					synctest.Wait()
					runtime.Goexit()
				}
			}()
			<-ended
		},
		"by pulling and stopping": func(t *testing.T, tickets iter.Seq2[*autotask.Ticket, error]) {
			next, stop := iter.Pull2(tickets)
			_, err, _ := next()
			require.NoError(t, err)
			synctest.Wait()
			stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
				srv, client := hanging(t)
				began := time.Now()
				leave(t, client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}))
				assert.Zero(t, time.Since(began), "the request was cancelled, not waited for")
				assert.Len(t, srv.Requests(), 2, "the page was being read")
			})
		})
	}
}

func TestPrefetch_TheLoopWaitsForTheReadAheadToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		seedTickets(srv, 1001)
		underWay := 0
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				underWay++
				defer func() { underWay-- }()
				if underWay == 1 && strings.HasSuffix(req.URL.Path, "/next") {
					<-req.Context().Done()
					time.Sleep(time.Minute) //nolint:forbidigo // virtual time: a transport that is slow to give up
				}
				return inner.RoundTrip(req)
			})
		}))
		began := time.Now()
		for _, err := range client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}) {
			require.NoError(t, err)
			synctest.Wait()
			break
		}
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Zero(t, underWay)
	})
}

func TestPrefetch_KeepsToTheCallersContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		srv, _ := hanging(t)
		var seen []any
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req.Context().Value(key{}))
				return inner.RoundTrip(req)
			})
		}))
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "mine"))
		defer cancel()
		var failure error
		read := 0
		for _, err := range client.Tickets.All(ctx, autotask.Query{Prefetch: true}) {
			if failure = err; err == nil {
				read++
			}
			if read == 500 {
				synctest.Wait() // the next page is being read
				cancel()
			}
		}
		require.ErrorIs(t, failure, context.Canceled)
		assert.Equal(t, 500, read)
		assert.Equal(t, []any{"mine", "mine"}, seen)
	})
}

func TestPrefetch_GoexitInTheTransportEndsTheCallerNotTheProgram(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		seedTickets(srv, 501)
		client := srv.InProcessClient(autotask.WithMiddleware(func(inner http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				if strings.HasSuffix(req.URL.Path, "/next") {
					runtime.Goexit() // as t.FailNow does
				}
				return inner.RoundTrip(req)
			})
		}))
		read, over := 0, false
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for _, err := range client.Tickets.All(t.Context(), autotask.Query{Prefetch: true}) {
				assert.NoError(t, err)
				read++
			}
			over = true
		}()
		<-ended
		assert.Equal(t, 500, read)
		assert.False(t, over, "half a result must not look whole")
	})
}

// A sync keeps the position of the last page that it has dealt with, and reads
// on from there when it is started again.
func ExampleTicketsService_Pages() {
	srv := autotasktest.Start()
	defer srv.Close()
	lastRun := time.Now().Add(-time.Hour)
	for range 1200 {
		srv.Seed("Tickets", nil)
	}
	client := srv.Client()

	var position autotask.Optional[int64] // in a file or a database
	sync := func(most int) {
		q := autotask.Query{Filter: autotask.Since("lastActivityDate", lastRun), After: position, Prefetch: true}
		for page, err := range client.Tickets.Pages(context.Background(), q) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(len(page.Items), "tickets stored")
			position = page.After
			if most--; most == 0 {
				fmt.Println("interrupted")
				return
			}
		}
		fmt.Println("done")
	}
	sync(1)
	sync(10)
	// Output:
	// 500 tickets stored
	// interrupted
	// 500 tickets stored
	// 200 tickets stored
	// done
}

func TestPaging_EmptyErrorsBesideItemsAreNone(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	for errorsMember, fine := range map[string]bool{"[]": true, "null": true, `["no"]`: false, `"no"`: false} {
		mock.RegisterResponder(http.MethodPost, testBase+"/Tickets/query", httpmock.NewStringResponder(200,
			`{"items":[{"id":5}],"errors":`+errorsMember+`,"pageDetails":{"count":1}}`))
		_, err := client.Tickets.List(t.Context(), autotask.Query{})
		assert.Equal(t, fine, err == nil, errorsMember)
	}
}

// A consumer that takes as long as the network waits for it once only.
func TestPrefetch_OverlapsTheWaitWithTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		const latency = 50 * time.Millisecond
		srv.SetLatency(latency)
		seedTickets(srv, 20*500)
		client := srv.Client()
		run := func(prefetch bool) time.Duration {
			began := time.Now()
			n := 0
			for page, err := range client.Tickets.Pages(t.Context(), autotask.Query{Fields: []string{"id"}, Prefetch: prefetch}) {
				require.NoError(t, err)
				n += len(page.Items)
				<-time.After(latency) // the work on this page
			}
			require.Equal(t, 20*500, n)
			return time.Since(began)
		}
		without, with := run(false), run(true)
		t.Logf("20 pages: %v without, %v with Prefetch", without, with)
		assert.GreaterOrEqual(t, float64(without)/float64(with), 1.8)
	})
}
