package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

func ExampleNewClient() {
	client, err := autotask.NewClient(autotask.Credentials{
		UserName:        os.Getenv("AUTOTASK_USERNAME"),
		Secret:          os.Getenv("AUTOTASK_SECRET"),
		IntegrationCode: os.Getenv("AUTOTASK_INTEGRATION_CODE"),
	}, autotask.WithApplication("backupcheck", "1.4.0"))
	if err != nil {
		fmt.Println("a client needs all three credentials")
		return
	}
	_ = client
	// Output: a client needs all three credentials
}

func ExampleClient_Resolve() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "ticketNumber": "T20261123.0001", "status": 1})

	outcome, err := client.Resolve(context.Background(), id, autotask.Resolution{
		Text:      "The backup succeeded on the second attempt.",
		Note:      &autotask.TicketNote{Title: "Backup checked", Description: "No errors.", NoteType: 1, Publish: 1},
		Status:    autotask.StatusComplete,
		StartedAt: time.Now(), // of the job, kept with it: a repeat then posts no second note
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("resolved:", outcome.Resolved)
	for _, s := range outcome.Steps {
		fmt.Printf("%s: %s\n", s.Name, s.State)
	}
	// Output:
	// resolved: true
	// get: done
	// note: done
	// resolution: done
	// time entries: done
	// status: done
}

func ExampleClient_ResolveAll() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	numbers := []string{"T20261123.0001", "T20261123.0002", "T20261123.0003"}
	for _, number := range numbers[:2] {
		srv.Seed("Tickets", map[string]any{"ticketNumber": number, "status": 1})
	}

	work := func(yield func(autotask.ResolveItem) bool) {
		for _, number := range numbers {
			w := autotask.ResolveItem{Number: number, Resolution: autotask.Resolution{
				Text:      "The backup succeeded on the second attempt.",
				Status:    autotask.StatusComplete,
				StartedAt: time.Now(), // kept with the work, if it is to be repeated
			}}
			if !yield(w) {
				return
			}
		}
	}
	for outcome, err := range client.ResolveAll(context.Background(), work, autotask.ResolveAllOptions{}) {
		switch {
		case errors.Is(err, autotask.ErrNotFound):
			fmt.Println(outcome.Item.Number, "is no ticket")
		case err != nil:
			fmt.Println(outcome.Item.Number, err)
		default:
			fmt.Println(outcome.Item.Number, "resolved:", outcome.Resolved)
		}
	}
	// Unordered output:
	// T20261123.0001 resolved: true
	// T20261123.0002 resolved: true
	// T20261123.0003 is no ticket
}

func ExampleTicketsService_IDByNumber() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()

	_, err := client.Tickets.IDByNumber(context.Background(), "T19990101.0001")
	fmt.Println(errors.Is(err, autotask.ErrNotFound))
	// Output: true
}

func ExampleTicketsService_Update() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "externalID": "job-17"})

	ticket, err := client.Tickets.Update(context.Background(), id, func(t *autotask.Ticket) error {
		t.Title = "Backup failed twice"
		t.ExternalID.SetNull()
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ticket.Title, ticket.ExternalID.IsNull())
	for _, r := range srv.Requests() {
		fmt.Println(r.Op)
	}
	// Output:
	// Backup failed twice true
	// GET Tickets
	// PUT Tickets
	// GET Tickets
}

func ExampleTicketsService_All() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	srv.Seed("Tickets", map[string]any{"title": "Printer on fire", "status": 1})
	srv.Seed("Tickets", map[string]any{"title": "Backup failed: MAIL-02", "status": 1})

	open := autotask.Query{
		Filter: autotask.And(
			autotask.BeginsWith("title", "Backup failed"),
			autotask.NotEq("status", autotask.StatusComplete),
		),
		Fields: []string{"title"},
	}
	for ticket, err := range client.Tickets.All(context.Background(), open) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(ticket.Title)
	}
	// Output: Backup failed: MAIL-02
}

func ExampleTicketsService_StatusSemantics() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	srv.SetPicklist("Tickets", "status", []autotasktest.PicklistValue{{Value: "1", Label: "New"}, {Value: "5", Label: "Complete"}})
	srv.Seed("Tickets", map[string]any{"status": 1})

	semantics, err := client.Tickets.StatusSemantics(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range semantics {
		fmt.Println(s.Label, "-", s.SetsTimestamps)
	}
	// Output:
	// New - does not set
	// Complete - no evidence
}

func ExamplePicklistsService_Values() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()

	statuses, err := client.Picklists.Values(context.Background(), "Tickets", "status")
	if err != nil {
		log.Fatal(err)
	}
	id, err := statuses.ID("Complete")
	fmt.Println(id, err)
	// Output: 5 <nil>
}

func ExampleCreate() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()

	_, err := autotask.Create(context.Background(), client, &autotask.TicketNote{Title: "Backup checked"})
	fmt.Println(errors.Is(err, autotask.ErrMissingField), "- nothing sent:", len(srv.Requests()) == 0)
	// Output: true - nothing sent: true
}

func ExampleOptional() {
	var ticket autotask.Ticket
	fmt.Println(ticket.QueueID.IsZero(), ticket.QueueID.Or(-1))
	ticket.QueueID.SetNull()
	fmt.Println(ticket.QueueID.IsNull(), ticket.QueueID.Or(-1))
	ticket.QueueID.Set(0)
	fmt.Println(ticket.QueueID.Get())
	// Output:
	// true -1
	// true -1
	// 0 true
}

func ExampleWithMiddleware() {
	srv := autotasktest.Start()
	defer srv.Close()
	var attempts atomic.Int32
	client := srv.Client(autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			attempts.Add(1)
			return next.RoundTrip(req)
		})
	}))
	if err := client.Ping(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(attempts.Load(), "attempt")
	// Output: 1 attempt
}

func ExampleError() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()

	_, err := client.Tickets.Get(context.Background(), 4711)
	var e *autotask.Error
	if errors.As(err, &e) {
		fmt.Println(e.Method, e.Path, e.StatusCode)
	}
	fmt.Println(err)
	// Output:
	// GET Tickets/4711 200
	// autotask: GET Tickets/4711: 200: not found: Autotask answered with no item: it does not exist, or this user may not see it
}

// slotFiles shares Autotask's three places an endpoint between all processes
// of a machine that use one integration code. A place is a file in a directory
// of theirs, held by whoever could create it.
//
// A process that is killed leaves its files behind. A real one would write its
// process id into them, and take over those of processes that are no more.
type slotFiles struct {
	dir    string
	places int
}

// Acquire implements autotask.Limiter.
func (s slotFiles) Acquire(ctx context.Context, endpoint string) (release func(), held context.Context, err error) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		for i := range s.places {
			name := filepath.Join(s.dir, fmt.Sprintf("%s.%d", endpoint, i))
			f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600)
			switch {
			case err == nil:
				return func() { _ = os.Remove(name) }, ctx, f.Close()
			case !errors.Is(err, fs.ErrExist):
				return nil, nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func ExampleWithLimiter() {
	dir, err := os.MkdirTemp("", "autotask-slots")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	srv := autotasktest.Start()
	defer srv.Close()

	// Each process makes a client of its own, with the same directory.
	client := srv.Client(autotask.WithLimiter(slotFiles{dir: dir, places: 3}))
	fmt.Println(client.Ping(context.Background()))
	// Output: <nil>
}
func ExampleDayOf() {
	amsterdam := time.FixedZone("CET", 60*60)
	newYearsEve := time.Date(2026, time.December, 31, 0, 0, 0, 0, amsterdam)
	fmt.Println(newYearsEve.UTC().Format(time.DateTime))
	fmt.Println(autotask.DayOf(newYearsEve).Format(time.DateTime))
	// Output:
	// 2026-12-30 23:00:00
	// 2026-12-31 00:00:00
}

func ExampleOne() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.Seed("Companies", map[string]any{"companyName": "Acme"})
	srv.Seed("Companies", map[string]any{"companyName": "Globex"})
	srv.Seed("Companies", map[string]any{"companyName": "Globex"})
	for _, name := range []string{"Acme", "Globex", "Initech"} {
		company, err := autotask.One[entity.Company](context.Background(), srv.Client(), autotask.Query{
			Filter: autotask.Eq("companyName", name),
		})
		var ambiguous *autotask.AmbiguousError
		switch {
		case errors.As(err, &ambiguous):
			fmt.Println(len(ambiguous.Candidates), "companies are called", name)
		case errors.Is(err, autotask.ErrNotFound):
			fmt.Println("no company is called", name)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("found", company.CompanyName)
		}
	}
	// Output:
	// found Acme
	// 2 companies are called Globex
	// no company is called Initech
}

func ExampleUDFsOf() {
	company := entity.Company{ID: 7, CompanyName: autotask.Value("Acme")}
	for _, item := range []autotask.Entity{&company, &autotask.Ticket{ID: 9}} {
		udfs := autotask.UDFsOf(item)
		udfs.Set("Tier", autotask.Value("Gold"))
		fmt.Println(item.Collection(), autotask.ID(item), udfs.Get("tier"))
	}
	// Output:
	// Companies 7 Gold
	// Tickets 9 Gold
}

func ExampleMaxLength() {
	fmt.Println(autotask.MaxLength(autotask.Ticket{}, "title"), autotask.MaxLength(entity.Company{}, "companyName"))
	// Output: 255 100
}
