package autotasktest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
)

// A fault is refused of which one half keeps the other from happening.
func TestFaultsOfWhichAPartDoesNothing(t *testing.T) {
	t.Parallel()
	edit := func(map[string]any) {}
	for message, f := range map[string]autotasktest.Fault{
		"with Refuse, DropRequest does nothing":             {Refuse: true, DropRequest: true},
		"with Refuse, Status does nothing":                  {Refuse: true, Status: 500},
		"with DropRequest, DropResponse does nothing":       {DropRequest: true, DropResponse: true},
		"with DropRequest, Lands does nothing":              {DropRequest: true, Lands: time.Minute},
		"with Hang, Status does nothing":                    {Hang: true, Status: 500},
		"with Hang, Edit does nothing":                      {Hang: true, Edit: edit},
		"with Redirect, Status does nothing":                {Redirect: "https://example.com/", Status: 500},
		"with Redirect, Lands does nothing":                 {Redirect: "https://example.com/", Lands: 1},
		"with Status and a landing, Hang does nothing":      {Status: 504, Lands: 1, Hang: true},
		"with ApplyAfter or Lands, Truncate does nothing":   {ApplyAfter: 1, Truncate: true},
		"with ApplyAfter or Lands, Garbage does nothing":    {Lands: 1, Garbage: true},
		"with another answer, IgnoreWrite does nothing":     {Status: 500, IgnoreWrite: true},
		"with another answer, DropResponse does nothing":    {Status: 500, DropResponse: true},
		"with ResetStream, HTML does nothing":               {ResetStream: 1, HTML: true},
		"with DropResponse, Oversize does nothing":          {DropResponse: true, Oversize: 1},
		"with Garbage, HTML does nothing":                   {Garbage: true, HTML: true},
		"with HTML, RepeatNextPage does nothing":            {HTML: true, RepeatNextPage: true},
		`at "GET Tickets", IgnoreWrite does nothing`:        {Op: "GET Tickets", IgnoreWrite: true},
		`at "PUT Tickets", HideFromQueries does nothing`:    {Op: "PUT Tickets", HideFromQueries: 1},
		`at "POST Tickets/query", Edit does nothing`:        {Op: "POST Tickets/query", Edit: edit},
		`at "GET Tickets", RepeatNextPage does nothing`:     {Op: "GET Tickets", RepeatNextPage: true},
		`at "DELETE TimeEntries", Lag does nothing`:         {Op: "DELETE TimeEntries", Lag: 1},
		`at "GET Tickets/query/count", Revert does nothing`: {Op: "GET Tickets/query/count", Revert: true},
	} {
		fake := &fakeT{TB: t}
		autotasktest.NewInProcess(fake).Inject(f)
		require.Len(t, fake.fatals, 1, message)
		assert.Equal(t, "autotasktest: Inject: "+message, fake.fatals[0])
	}
	for _, f := range []autotasktest.Fault{
		{Refuse: true, Delay: 1}, {Refuse: true, Hang: true}, {DropRequest: true, Delay: 1}, {DropRequest: true, ResetStream: 7},
		{Hang: true, DropResponse: true}, {Hang: true, Truncate: true}, {Hang: true, Lands: 1}, {Hang: true, ApplyAfter: 1, Edit: edit},
		{Status: 504, ApplyAfter: 1, Lands: 1, Revert: true}, {Status: 500, Truncate: true, SlowBody: 1, Header: http.Header{"A": {"b"}}, Body: "x"},
		{Redirect: "https://example.com/", Header: http.Header{"A": {"b"}}}, {DropResponse: true, Edit: edit, HideFromQueries: 1, Lag: 1},
		{Garbage: true, Oversize: 100, GzipBomb: true, Truncate: true}, {ResetStream: 1, IgnoreWrite: true, Delay: 1},
		{ForeignNextPage: "https://example.com", RepeatNextPage: true}, {Op: "GET Tickets", Edit: edit}, {Op: "GET Tickets/Notes", RepeatNextPage: true},
		{Op: "GET TimeOffRequests/Approve", Revert: true}, {Op: "POST Companies/invoiceSettings/contactRecipients", Hang: true},
		{Op: "GET ThresholdInformation", Garbage: true}, {Op: "DELETE Companies/Contacts", IgnoreWrite: true},
	} {
		fake := &fakeT{TB: t}
		autotasktest.NewInProcess(fake).Inject(f)
		assert.Empty(t, fake.fatals, "%+v", f)
	}
}

// endingT is a test that can be brought to its end.
type endingT struct {
	fakeT

	cleanups []func()
}

func (t *endingT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *endingT) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

func TestFaultsThatNeverStruckAreReported(t *testing.T) {
	t.Parallel()
	run := func(ask bool) []string {
		fake := &endingT{fakeT: fakeT{TB: t}}
		x := newInProcessTenant(t)
		x.Server = autotasktest.NewInProcess(fake)
		x.http.Transport = x.Transport()
		if ask {
			x.ReportUnstruck()
		}
		x.Inject(autotasktest.Fault{Op: "GET Companies", Status: 503})
		x.Inject(autotasktest.Fault{Op: "GET Companies", Times: 3, Status: 429})
		x.Inject(autotasktest.Fault{Op: "GET Companies", Times: -1, Delay: 1})
		x.Inject(autotasktest.Fault{Op: "POST Tickets", Times: -1, Delay: 1, DropResponse: true})
		x.Inject(autotasktest.Fault{Skip: 100, Hang: true})
		for range 3 {
			x.get("Companies/0")
		}
		fake.end()
		return fake.reported()
	}
	assert.Empty(t, run(false), "only who asks is told")
	assert.Equal(t, []string{
		"autotasktest: a fault has not struck: Status at GET Companies, 1 more time(s)",
		"autotasktest: a fault has not struck: Delay at GET Companies",
		"autotasktest: a fault has not struck: Delay, DropResponse at POST Tickets",
		"autotasktest: a fault has not struck: Hang at any request, after 100 of them, 1 more time(s)",
	}, run(true))

	srv := autotasktest.Start()
	defer srv.Close()
	assert.Contains(t, panicOf(srv.ReportUnstruck), "ReportUnstruck: there is no test")
}
