package autotasktest_test

import (
	"testing"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Many rows of the kinds that a large tenant is made of.
func BenchmarkSeedRows(b *testing.B) {
	srv := autotasktest.NewInProcess(b)
	ticket := srv.Seed("Tickets", nil)
	for name, fields := range map[string]map[string]any{
		"Tickets":     {"title": "Backup failed", "companyID": 175, "status": 1},
		"TicketNotes": {"ticketID": ticket, "title": "Checked"},
		"TimeEntries": {"ticketID": ticket, "hoursWorked": 0.5},
		"Companies":   {"companyName": "Example"},
		"Contacts":    {"companyID": 175, "lastName": "Example"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				srv.Seed(name, fields)
			}
		})
	}
}

// What a query by a user-defined field costs a tenant without definitions.
func BenchmarkQueryByUDF(b *testing.B) {
	for _, size := range []int{1_000, 10_000} {
		srv := autotasktest.NewInProcess(b)
		srv.SetThreshold(1<<40, 0)
		for i := range size {
			srv.Seed("Tickets", map[string]any{"userDefinedFields": []map[string]any{{"name": "Site", "value": path("%d", i)}}})
		}
		client := srv.InProcessClient()
		b.Run(path("%d", size), func(b *testing.B) {
			for b.Loop() {
				n, err := client.Tickets.Count(b.Context(), autotask.Query{Filter: autotask.UDF(autotask.Eq("Site", "7"))})
				if err != nil || n != 1 {
					b.Fatal(n, err)
				}
				srv.ResetRequests()
			}
		})
	}
}
