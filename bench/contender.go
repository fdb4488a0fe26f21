package main

import (
	"context"
	"net/http"
)

// contender is one client that is measured. A further one takes one file, with
// an init that registers it.
type contender struct {
	name string
	// open makes the client. It must send its requests through the transport and
	// sign them with the credentials.
	open func(s service) operations
}

// service is where a contender finds Autotask.
type service struct {
	baseURL   string // ends in "/V1.0"
	transport http.RoundTripper
}

// The credentials are invented.
const (
	userName        = "bench@example.com"
	secret          = "invented-secret"
	integrationCode = "INVENTEDCODE"
)

// operations are what is measured. Each does one operation from beginning to
// end and returns what shows that it was done; nil leaves it out.
type operations struct {
	get       func(context.Context) (int64, error) // reads the ticket ticketID; returns its id
	list500   func(context.Context) (int64, error) // reads the first page of 500; returns how many tickets it has
	all20x500 func(context.Context) (int64, error) // reads all 20 pages, keeping none; returns how many tickets they have
	note      func(context.Context) (int64, error) // puts sampleNote on the ticket ticketID; returns the note's id
	update    func(context.Context) (int64, error) // reads the ticket editedID, sets its resolution to newResolution, writes it whole and reads it back; returns its id
}

var contenders = map[string]contender{}

func register(c contender) { contenders[c.name] = c }

// The contenders that every run has.
const (
	ours  = "autotask"
	plain = "plain" // the measure of the others
	floor = "floor" // does not look at what it reads
)

// standard reports whether -json has an operation: its form is fixed.
func (o operation) standard() bool { return o.sample == full }

// operation is one line of the table.
type operation struct {
	name   string
	title  string
	sample sample
	want   int64
	of     func(operations) func(context.Context) (int64, error)
}

var allOperations = []operation{
	{"get", "Get", full, ticketID, getOf},
	{"list500", "List, 500 tickets", full, pageSize, listOf},
	{"all20x500", "All, 20 pages of 500", full, pages * pageSize, func(o operations) func(context.Context) (int64, error) { return o.all20x500 }},
	{"note", "Create a note", full, noteID, func(o operations) func(context.Context) (int64, error) { return o.note }},
	{"update", "Update", full, editedID, updateOf},
	{"get-nulls", "Get, 40 of 75 fields null", nulls, ticketID, getOf},
	{"list500-nulls", "List, 500 tickets, 40 of 75 fields null", nulls, pageSize, listOf},
	{"update-nulls", "Update, 40 of 75 fields null", nulls, editedID, updateOf},
	{"list500-chunked", "List, 500 tickets, in chunks without a length", chunked, pageSize, listOf},
}

func getOf(o operations) func(context.Context) (int64, error)    { return o.get }
func listOf(o operations) func(context.Context) (int64, error)   { return o.list500 }
func updateOf(o operations) func(context.Context) (int64, error) { return o.update }
