package autotask_test

import (
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/internal/proof/kit"
)

// The kit's names, as the tests of this package use them.
const (
	testBase     = kit.Base
	ticketsQuery = kit.TicketsQuery
	emptyPage    = kit.EmptyPage
	uploadOp     = kit.UploadOp
	searchOp     = kit.SearchOp
	maxFile      = kit.MaxFile
)

type (
	roundTripper = kit.RoundTripper
	company      = kit.Company
)

var (
	testCredentials = kit.Credentials()

	answering            = kit.Answering
	tenant               = kit.Tenant
	ops                  = kit.Ops
	bodies               = kit.Bodies
	count                = kit.Count
	object               = kit.Object
	fixture              = kit.Fixture
	writes               = kit.Writes
	isWrite              = kit.IsWrite
	retitle              = kit.Retitle
	spread               = kit.Spread
	longIn               = kit.LongIn
	ways                 = kit.Ways
	note                 = kit.Note
	report               = kit.Report
	ensure               = kit.Ensure
	sized                = kit.Sized
	stepStates           = kit.StepStates
	begun                = kit.Begun
	idText               = kit.IDText
	idOf                 = kit.IDOf
	numbers              = kit.Numbers
	retryAfter           = kit.RetryAfter
	pass                 = kit.Pass
	messages             = kit.Messages
	parseItem            = kit.ParseItem
	seedTickets          = kit.SeedTickets
	seedRows             = kit.SeedRows
	encode               = kit.Encode
	unknownOutcome       = kit.UnknownOutcome
	seedWork             = kit.SeedWork
	all                  = kit.ResolveAll
	byNumber             = kit.ByNumber
	requireResolved      = kit.RequireResolved
	eachWay              = kit.EachWay
	allIDs               = kit.AllIDs
	collect              = kit.Collect
	readOnlyTicketFields = kit.ReadOnlyTicketFields
)

// mocked returns a client on a transport of its own.
func mocked(t *testing.T, opts ...autotask.Option) (*autotask.Client, *httpmock.MockTransport) {
	t.Helper()
	return kit.Mocked(t, opts...)
}
