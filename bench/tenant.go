package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The requests that are made, and what Autotask answers.
const (
	ticketID = 10_000_001
	editedID = 10_000_002
	noteID   = 20_000_001
	firstID  = 30_000_000 // of the pages
	pageSize = 500
	pages    = 20

	ticketsPath = "/Tickets"
	ticketPath  = "/Tickets/10000001"
	editedPath  = "/Tickets/10000002"
	notesPath   = "/Notes"
	queryPath   = "/Tickets/query"
	nextPath    = "/Tickets/query/next"

	basePath      = "/ATServicesRest/V1.0"
	queryBody     = `{"filter":[{"op":"exist","field":"id"}]}`
	noteBody      = `{"title":"Work done","description":"Replaced the drive and ran a restore test.","noteType":1,"publish":1,"ticketID":10000001}`
	newResolution = "The drive was replaced and a restore was tested."
)

var sampleNote = plainNote{
	Title: "Work done", Description: "Replaced the drive and ran a restore test.",
	NoteType: 1, Publish: 1, TicketID: ticketID,
}

// sample is what a tenant holds, and how it sends it. It is the first part of
// the path of its base URL.
type sample string

const (
	full    sample = ""
	nulls   sample = "/nulls"   // 40 of the 75 fields are null
	chunked sample = "/chunked" // answers come in chunks, without a length
)

var samples = []sample{full, nulls, chunked}

func nextPageURL(baseURL string, page int) string {
	return baseURL + nextPath + fmt.Sprintf("?paging=%%7b%%22pageSize%%22%%3a%d%%2c%%22page%%22%%3a%02d%%7d", pageSize, page)
}

// sampleTicket is the n-th ticket: a value in each of its 75 fields, and five
// user-defined fields. All values are invented; texts differ from ticket to
// ticket, but for those that a tenant has few of.
func sampleTicket(n int) *plainTicket {
	t := new(plainTicket)
	v := reflect.ValueOf(t).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch p := reflect.New(f.Type()).Elem().Interface().(type) {
		case *int64:
			f.Set(reflect.ValueOf(new(int64(29_600_000 + 37*i))))
			if !strings.HasSuffix(name, "ID") {
				f.Set(reflect.ValueOf(new(int64(1 + i%9))))
			}
		case *float64:
			f.Set(reflect.ValueOf(new(float64(i) / 4)))
		case *bool:
			f.Set(reflect.ValueOf(new(i%2 == 0)))
		case *time.Time:
			f.Set(reflect.ValueOf(new(time.Date(2026, 3, 1+i%28, 9, i%60, 26, i%3*530e6, time.UTC))))
		case *string:
			f.Set(reflect.ValueOf(new(fmt.Sprintf("value %d of %03d", i, n))))
		case []plainUDF:
		default:
			panic(fmt.Sprintf("%s: no value for a %T", name, p))
		}
	}
	t.ID = new(int64(ticketID))
	t.TicketNumber = new(fmt.Sprintf("T20260314.%04d", n))
	t.Title = new(fmt.Sprintf("Nightly backup of file server %03d failed", n))
	t.Description = new(fmt.Sprintf("Job %03d ended with a read error on drive 2.\r\nThe night before it was fine.", n))
	t.Resolution = new(fmt.Sprintf("None yet: the drive has been ordered, see order %03d.", n))
	for _, udf := range [][2]string{{"Backup Plan", "Gold"}, {"Site", "Riverside 4"}, {"Rack", "B12"}, {"Asset Tag", fmt.Sprintf("A-%06d", n)}, {"Last Audit", "2026-01-15"}} {
		t.UserDefinedFields = append(t.UserDefinedFields, plainUDF{Name: udf[0], Value: &udf[1]})
	}
	return t
}

// nullFields is how many fields of a ticket are null in the sample nulls.
const nullFields = 40

// ticket is the n-th ticket of a sample. What an update must find is never null.
func (s sample) ticket(n int) *plainTicket {
	t := sampleTicket(n)
	if s != nulls {
		return t
	}
	v := reflect.ValueOf(t).Elem()
	for i, left := v.NumField()-1, nullFields; left > 0; i-- {
		switch v.Type().Field(i).Name {
		case "UserDefinedFields", "Status", "Priority", "TicketNumber", "Title", "QueueID", "Source", "Resolution":
		default:
			v.Field(i).SetZero()
			left--
		}
	}
	return t
}

// editedTicket is the ticket editedID after the update.
func (s sample) editedTicket() *plainTicket {
	t := s.ticket(0)
	t.ID, t.Resolution = new(int64(editedID)), new(newResolution)
	return t
}

func itemOf(t *plainTicket) []byte {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return b
}

// tenant answers requests from memory, always with the same bytes. It is for
// one contender at a time, which makes one request at a time: all pages are one
// buffer, whose ids are written anew for each.
type tenant struct {
	mu             sync.Mutex
	chunked        bool
	baseURL        string
	ticket         []byte
	before, after  []byte // the ticket editedID
	edited         bool   // it has been PUT since it was read last
	page           []byte
	ids            []int // where they are in page
	items          int   // the length of page up to the end of its items
	notes, putDone []byte
}

func newTenant(host string, s sample) *tenant {
	baseURL := host + string(s) + basePath
	wrap := func(t *plainTicket) []byte { return append(append([]byte(`{"item":`), itemOf(t)...), '}') }
	before := s.ticket(0)
	before.ID = new(int64(editedID))
	t := &tenant{
		chunked: s == chunked,
		baseURL: baseURL,
		ticket:  wrap(s.ticket(0)),
		before:  wrap(before),
		after:   wrap(s.editedTicket()),
		notes:   fmt.Appendf(nil, `{"itemId":%d}`, noteID),
		putDone: fmt.Appendf(nil, `{"itemId":%d}`, editedID),
	}
	t.page = []byte(`{"items":[`)
	for i := range pageSize {
		if i > 0 {
			t.page = append(t.page, ',')
		}
		item := itemOf(s.ticket(i))
		t.ids = append(t.ids, len(t.page)+bytes.Index(item, strconv.AppendInt(nil, ticketID, 10)))
		t.page = append(t.page, item...)
	}
	t.items = len(t.page)
	return t
}

// answer is the body of the answer to a request.
func (t *tenant) answer(method, path, query string) (body []byte, known bool) {
	_, below, _ := strings.Cut(path, basePath)
	switch method + " " + below {
	case "GET " + ticketPath:
		return t.ticket, true
	case "GET " + editedPath:
		if t.edited {
			t.edited = false
			return t.after, true
		}
		return t.before, true
	case "PUT " + ticketsPath:
		t.edited = true
		return t.putDone, true
	case "POST " + ticketPath + notesPath:
		return t.notes, true
	case "POST " + queryPath:
		return t.pageAt(0), true
	case "POST " + nextPath:
		n, err := strconv.Atoi(query[len(query)-len("07%7d") : len(query)-len("%7d")])
		return t.pageAt(n), err == nil && 0 < n && n < pages
	}
	return nil, false
}

func (t *tenant) pageAt(n int) []byte {
	for i, at := range t.ids {
		strconv.AppendInt(t.page[at:at], int64(firstID+n*pageSize+i), 10)
	}
	next := "null"
	if n+1 < pages {
		next = `"` + nextPageURL(t.baseURL, n+1) + `"`
	}
	t.page = fmt.Appendf(t.page[:t.items], `],"pageDetails":{"count":%d,"requestCount":%d,"prevPageUrl":null,"nextPageUrl":%s}}`, pageSize, pageSize, next)
	return t.page
}

const contentType = "application/json; charset=utf-8"

// ServeHTTP answers over a connection.
func (t *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	body, ok := t.answer(r.Method, r.URL.Path, r.URL.RawQuery)
	if !ok || r.Header.Get("Secret") != secret {
		http.Error(w, "no such request is made here", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", contentType)
	if !t.chunked {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	_, _ = w.Write(body) //nolint:gosec // it is JSON of our own making
	if f, ok := w.(http.Flusher); ok && t.chunked {
		f.Flush() // or net/http counts a short answer itself
	}
}

// RoundTrip answers in memory: what is measured then is the client alone.
func (t *tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	body, ok := t.answer(r.Method, r.URL.Path, r.URL.RawQuery)
	if !ok || r.Header.Get("Secret") != secret {
		return nil, fmt.Errorf("no such request is made here: %s %s", r.Method, r.URL.Path)
	}
	length, encoding := int64(len(body)), []string(nil)
	if t.chunked {
		length, encoding = -1, []string{"chunked"}
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {contentType},
			"Date":         {"Sat, 14 Mar 2026 09:26:53 GMT"},
		},
		ContentLength:    length,
		TransferEncoding: encoding,
		Body:             io.NopCloser(bytes.NewReader(body)),
		Request:          r,
	}, nil
}
