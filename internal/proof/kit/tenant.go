package kit

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Ops lists the operations that the tenant was asked for.
func Ops(srv *autotasktest.Server) []string {
	var all []string
	for _, r := range srv.Requests() {
		all = append(all, r.Op)
	}
	return all
}

// Writes lists the operations among them that write.
func Writes(srv *autotasktest.Server) []string {
	return slices.DeleteFunc(Ops(srv), func(op string) bool { return !IsWrite(op) })
}

// IsWrite reports whether an operation writes.
func IsWrite(op string) bool {
	return !strings.HasPrefix(op, "GET ") && !strings.Contains(op, "/query")
}

// Bodies lists the bodies of the requests of one operation.
func Bodies(srv *autotasktest.Server, op string) [][]byte {
	var all [][]byte
	for _, r := range srv.Requests() {
		if r.Op == op {
			all = append(all, r.Body)
		}
	}
	return all
}

// Count counts the requests of one operation.
func Count(srv *autotasktest.Server, op string) int { return len(Bodies(srv, op)) }

// SeedTickets makes tickets, and returns their ids.
func SeedTickets(srv *autotasktest.Server, n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = srv.Seed("Tickets", map[string]any{"title": "ticket " + IDText(int64(i))})
	}
	return ids
}

// ReadOnlyTicketFields are what Autotask sets itself on a ticket, and so is left
// out of a PUT.
var ReadOnlyTicketFields = map[string]bool{
	"apiVendorID": true, "completedByResourceID": true, "completedDate": true, "createDate": true,
	"creatorResourceID": true, "creatorType": true, "currentServiceThermometerRating": true,
	"firstResponseAssignedResourceID": true, "firstResponseDateTime": true, "firstResponseDueDateTime": true,
	"firstResponseInitiatingResourceID": true, "hoursToBeScheduled": true, "impersonatorCreatorResourceID": true,
	"lastActivityDate": true, "lastActivityPersonType": true, "lastActivityResourceID": true,
	"lastCustomerNotificationDateTime": true, "lastCustomerVisibleActivityDateTime": true,
	"lastTrackedModificationDateTime": true, "previousServiceThermometerRating": true,
	"resolutionPlanDateTime": true, "resolutionPlanDueDateTime": true, "resolvedDateTime": true,
	"resolvedDueDateTime": true, "rmmAlertID": true, "serviceLevelAgreementHasBeenMet": true,
	"serviceLevelAgreementPausedNextEventHours": true, "serviceThermometerTemperature": true,
}

// Messages returns what the server said in an error.
func Messages(t testing.TB, err error) []string {
	t.Helper()
	var e *autotask.Error
	require.ErrorAs(t, err, &e)
	return e.Messages
}
