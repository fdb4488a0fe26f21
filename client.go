package autotask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autotask-go/autotask/internal/cache"
	"github.com/autotask-go/autotask/internal/limit"
	"github.com/autotask-go/autotask/internal/transport"
	"github.com/autotask-go/autotask/internal/version"
	"github.com/autotask-go/autotask/internal/zone"
)

// Credentials are those of an API user. Printed or encoded, they are REDACTED.
type Credentials struct {
	UserName        string
	Secret          string
	IntegrationCode string
}

const redacted = "REDACTED"

// String shows no value.
func (Credentials) String() string { return "autotask.Credentials{" + redacted + "}" }

// GoString shows no value.
func (c Credentials) GoString() string { return c.String() }

// Format shows no value, whatever the verb.
func (c Credentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue shows no value.
func (Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON shows no value.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText shows no value.
func (Credentials) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (c Credentials) check() error {
	var problems []error
	for _, field := range []struct{ name, value string }{
		{"UserName", c.UserName}, {"Secret", c.Secret}, {"IntegrationCode", c.IntegrationCode},
	} {
		switch {
		case strings.TrimSpace(field.value) == "":
			problems = append(problems, fmt.Errorf("%s is empty", field.name))
		case strings.ContainsFunc(field.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			problems = append(problems, fmt.Errorf("%s contains a control character, such as a newline; was it read from a file?", field.name))
		}
	}
	return errors.Join(problems...)
}

// Client gives access to one Autotask tenant, for concurrent use: share it.
type Client struct {
	Tickets     *TicketsService
	Notes       *NotesService
	TimeEntries *TimeEntriesService
	Picklists   *PicklistsService
	Metadata    *MetadataService

	core          *core
	impersonateID int64
}

// core is what a client and those made from it by As share.
type core struct {
	transport  *transport.Transport
	userName   func() string
	baseURL    string // "" means discovered
	zoneURL    string
	zones      cache.Cache[string]
	origin     atomic.Pointer[[2]string] // the last base, and its origin
	webURLs    cache.Cache[string]
	clock      clock
	logins     *limit.Logins
	unanswered unanswered
	recent     recentIDs       // of items that claim must not take for another
	turns      turns[writeKey] // of calls that write the same item
	uploads    limit.Uploads
	fields     cache.Cache[[]Field]
	udfs       cache.Cache[[]UDFDefinition]
	infos      cache.Cache[EntityInfo]

	concurrency int // requests at a time on one endpoint
	maxRetries  int
	hourLeft    func() (int64, bool) // nil without WithHourlyReserve
}

// NewClient checks its arguments and returns a Client. It sends nothing.
func NewClient(creds Credentials, opts ...Option) (*Client, error) {
	if err := creds.check(); err != nil {
		return nil, fmt.Errorf("autotask: credentials: %w", err)
	}
	s := settings{Config: transport.Config{MaxRetries: transport.DefaultMaxRetries}, zoneURL: zone.DefaultDiscovery}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("autotask: an Option is nil: leave it out")
		}
		if err := opt(&s); err != nil {
			return nil, fmt.Errorf("autotask: %w", err)
		}
	}
	logins := &limit.Logins{Open: zone.Path}
	s.Logins = logins
	var client *Client
	hour, left, err := s.hourOf(func() *Client { return client })
	if err != nil {
		return nil, fmt.Errorf("autotask: %w", err)
	}
	s.Hour = hour
	s.UserAgent = strings.TrimSpace(s.application + " autotask-go/" + version.Version)
	s.Credentials = func() transport.Credentials { return transport.Credentials(creds) }
	c := &core{
		transport: transport.New(s.Config),
		userName:  func() string { return creds.UserName },
		baseURL:   s.baseURL,
		zoneURL:   s.zoneURL,
		logins:    logins,

		concurrency: cmp.Or(s.MaxConcurrency, transport.DefaultMaxConcurrency),
		maxRetries:  s.MaxRetries,
		hourLeft:    left,
	}
	c.unanswered.shared = s.unanswered
	c.fields.Lifetime, c.udfs.Lifetime, c.infos.Lifetime = metadataLifetime, metadataLifetime, metadataLifetime
	c.webURLs.Lifetime = metadataLifetime // a tenant may move to another zone
	client = newClient(c, 0)
	return client, nil
}

func newClient(c *core, impersonateID int64) *Client {
	client := &Client{core: c, impersonateID: impersonateID}
	client.Tickets = &TicketsService{client}
	client.Notes = &NotesService{client}
	client.TimeEntries = &TimeEntriesService{client}
	client.Picklists = &PicklistsService{client}
	client.Metadata = &MetadataService{client}
	return client
}

// As returns a client that writes on behalf of a resource; 0 is nobody. If
// security levels do not allow that, writes fail with [ErrPermission].
func (c *Client) As(resourceID int64) *Client { return newClient(c.core, resourceID) }

// String names the zone, never the credentials.
func (c *Client) String() string {
	base := c.core.baseURL
	if base == "" {
		base, _ = c.core.zones.Peek("")
	}
	if base == "" {
		base = "zone not discovered yet"
	}
	return "autotask.Client(" + base + ")"
}

// GoString returns String.
func (c *Client) GoString() string { return c.String() }

// LogValue returns String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Ping checks zone and credentials by one request, [Client.Threshold].
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Threshold(ctx)
	return err
}

// call is one request of the API, before its zone is known.
type call struct {
	method  string
	path    string // below the base URL
	nextURL string // instead of the path: a page that an earlier answer named
	body    []byte
	decode  func([]byte) error
}

// send carries out a call in the client's zone. A 401 may mean that the tenant
// has moved to another zone: then the call is made there, once.
func (c *Client) send(ctx context.Context, r call) error {
	if err := c.core.transport.Refuses(ctx, r.method, r.path); err != nil {
		return fromFailure(err)
	}
	base, err := c.core.base(ctx)
	if err != nil {
		return err
	}
	err = c.sendTo(ctx, base, r)
	if isStatus(err, http.StatusUnauthorized) && r.nextURL == "" {
		if moved, ok := c.core.movedFrom(ctx, base); ok {
			err = c.sendTo(ctx, moved, r)
		}
	}
	switch {
	case isStatus(err, http.StatusUnauthorized):
		c.core.logins.Refused()
	case err == nil:
		c.core.logins.Accepted()
	}
	return err
}

func isStatus(err error, status int) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*Error](err)
	return ok && e.StatusCode == status
}

func (c *Client) sendTo(ctx context.Context, base string, r call) error {
	target := base + "/" + r.path
	origin := c.core.originOf(base)
	if r.nextURL != "" {
		if err := zone.CheckNextPage(r.nextURL, base, r.path); err != nil {
			return refusal(transport.Server, r.method, r.path, err.Error())
		}
		target = r.nextURL
	}
	answer, err := c.core.do(ctx, &transport.Request{
		Method:        r.method,
		URL:           target,
		Path:          r.path,
		Origin:        origin,
		Body:          r.body,
		ImpersonateID: c.impersonateID,
		NotAfter:      notAfter(ctx),
		Decode:        r.decode,
	})
	if err != nil {
		return err
	}
	c.core.clock.set(answer)
	return nil
}

// do makes one request, in as many attempts as it takes, and counts them.
func (c *core) do(ctx context.Context, r *transport.Request) (transport.Answer, error) {
	note := watchIn(ctx)
	answer, err := c.transport.Do(ctx, r)
	if err == nil && note != nil {
		note(answer)
	}
	attempts := answer.Attempts
	if failure, ok := errors.AsType[*transport.Failure](err); ok {
		attempts = failure.Attempts
	}
	if n, ok := ctx.Value(attemptsKey{}).(*atomic.Int64); ok {
		n.Add(int64(attempts))
	}
	return answer, fromFailure(err)
}

type attemptsKey struct{}

// countAttempts returns a context under which all attempts of requests are
// counted, by whatever call they are made.
func countAttempts(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, attemptsKey{}, n), n
}

// clock is the difference between Autotask's clock and ours, as the last few
// answers showed it.
type clock struct {
	mu   sync.Mutex
	last [8]transport.Answer
	read int
}

// set keeps an answer if its Date header can be parsed. Most repeat the previous one,
// which is known to parse.
func (c *clock) set(answer transport.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	newest := c.last[(c.read+len(c.last)-1)%len(c.last)]
	if !answer.DatedAs(newest) && answer.Date().IsZero() {
		return
	}
	c.last[c.read%len(c.last)] = answer
	c.read++
}

// least returns how far Autotask's clock is behind, at least. Each answer shows the
// smallest server time that it allows for: it was stamped before we had it, and the
// Date header may be a second old by its form alone, which errs to the same side. So
// the least counts: that answer was in flight for the shortest time.
func (c *clock) least() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read == 0 {
		return 0
	}
	least := time.Duration(math.MaxInt64)
	for _, answer := range c.last[:min(c.read, len(c.last))] {
		least = min(least, answer.Received.Sub(answer.Date()))
	}
	return least
}

// clockMargin is how much earlier a time of creation may be than a Date header
// suggests: the clock of the database is another one, the caller's start time
// may come from a third, and without a Date header nothing is known at all.
const clockMargin = time.Minute

// earliest is the least that Autotask may show as the time of what was made at
// or after a moment of our clock.
func (c *clock) earliest(ours time.Time) time.Time {
	return ours.Add(-c.least() - clockMargin).Truncate(time.Second)
}

// base is the address of the client's zone, discovered at the first call if it
// was not given. Concurrent first callers share one discovery.
func (c *core) base(ctx context.Context) (string, error) {
	if c.baseURL != "" {
		return c.baseURL, nil
	}
	base, err := c.zones.Get(ctx, "", c.discover)
	return base, asError(http.MethodGet, zone.Path, err)
}

func (c *core) originOf(base string) string {
	if known := c.origin.Load(); known != nil && known[0] == base {
		return known[1]
	}
	origin := zone.OriginOf(base)
	c.origin.Store(&[2]string{base, origin})
	return origin
}

// movedFrom looks up the zone once more and reports whether it is another one.
// A zone that was given stays as it is.
func (c *core) movedFrom(ctx context.Context, old string) (string, bool) {
	if c.baseURL != "" {
		return "", false
	}
	if current, ok := c.zones.Peek(""); ok && current == old {
		c.zones.Forget("")
	}
	found, err := c.base(ctx)
	return found, err == nil && found != old
}

// discover asks Autotask which zone the user's tenant is in. The request
// carries no credentials except the user's name.
func (c *core) discover(ctx context.Context) (string, error) {
	var answer struct {
		URL string `json:"url"`
	}
	err := c.askZone(ctx, c.zoneURL, func(b []byte) error {
		answer.URL = "" // nothing of an earlier attempt
		return decode(b, &answer)
	})
	if err != nil {
		return "", err
	}
	base, err := zone.Join(answer.URL, zone.IsLoopback(c.zoneURL))
	if err != nil {
		return "", refusal(transport.Server, http.MethodGet, zone.Path, err.Error())
	}
	return base, nil
}

func (c *core) askZone(ctx context.Context, where string, decode func([]byte) error) error {
	_, err := c.do(ctx, &transport.Request{
		Method: http.MethodGet,
		URL:    where + "?user=" + url.QueryEscape(c.userName()),
		Path:   zone.Path,
		Decode: decode,
	})
	return err
}

// ticketPage opens a ticket in the web interface, for whoever is logged in there
// or logs in then (the vendor's ExecuteCommand API, which takes the id or the
// number of a ticket).
const ticketPage = "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID="

// TicketURL returns a ticket's address in the web interface of the zone (GET
// zoneInformation, once per client). It does not check that the ticket exists.
func (c *Client) TicketURL(ctx context.Context, id int64) (string, error) {
	if id <= 0 {
		return "", wrong("%d is not the id of a ticket", id)
	}
	web, err := c.core.webURLs.Get(ctx, "", c.core.findWeb)
	if err != nil {
		return "", asError(http.MethodGet, zone.Path, err)
	}
	return web + ticketPage + strconv.FormatInt(id, 10), nil
}

// findWeb looks up the address of the web interface. Every zone knows it.
func (c *core) findWeb(ctx context.Context) (string, error) {
	where := c.zoneURL
	if c.baseURL != "" && where == zone.DefaultDiscovery {
		where = c.baseURL + "/" + zone.Path
	}
	var answer struct {
		WebURL Optional[string] `json:"webUrl"`
	}
	err := c.askZone(ctx, where, func(b []byte) error {
		answer.WebURL = Optional[string]{} // nothing of an earlier attempt
		return decode(b, &answer)
	})
	if err != nil {
		return "", err
	}
	web, err := zone.CheckWeb(answer.WebURL.Or(""), zone.IsLoopback(where))
	if err != nil {
		return "", refusal(transport.Server, http.MethodGet, zone.Path, err.Error())
	}
	return web, nil
}

// Threshold is the use of the tenant's request limit by all its integrations.
type Threshold struct {
	Limit  int64         // requests in a window, usually 10,000
	Window time.Duration // usually an hour
	Used   int64         // requests in the window that ends now
}

// Fraction returns Used/Limit. From 0.5 on Autotask delays every request.
func (t *Threshold) Fraction() float64 {
	if t.Limit <= 0 {
		return 0
	}
	return float64(t.Used) / float64(t.Limit)
}

// Threshold reads the use of the limit by one request, which itself counts.
func (c *Client) Threshold(ctx context.Context) (*Threshold, error) {
	type wireThreshold struct {
		Limit  Optional[int64] `json:"externalRequestThreshold"`
		Window Optional[int64] `json:"requestThresholdTimeframe"` // minutes
		Used   Optional[int64] `json:"currentTimeframeRequestCount"`
	}
	var body wireThreshold
	err := c.send(ctx, call{method: http.MethodGet, path: thresholdPath, decode: func(b []byte) error {
		body = wireThreshold{} // nothing of an earlier attempt
		if err := decode(b, &body); err != nil {
			return err
		}
		for name, part := range map[string]Optional[int64]{
			"externalRequestThreshold": body.Limit, "requestThresholdTimeframe": body.Window, "currentTimeframeRequestCount": body.Used,
		} {
			if _, ok := part.Get(); !ok {
				return fmt.Errorf("%w: it has no %s", transport.ErrUnreadable, name)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &Threshold{
		Limit:  body.Limit.Or(0),
		Window: time.Duration(body.Window.Or(0)) * time.Minute,
		Used:   body.Used.Or(0),
	}, nil
}

const thresholdPath = "ThresholdInformation"

// requestsLeft is how many requests the client may still make in the window, as far
// as WithHourlyReserve knows.
func (c *core) requestsLeft() Optional[int64] {
	if c.hourLeft == nil {
		return Optional[int64]{}
	}
	n, known := c.hourLeft()
	if !known {
		return Optional[int64]{}
	}
	return Value(n)
}
