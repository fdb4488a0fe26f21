package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/autotask-go/autotask/autotasktest"
)

const (
	demoTickets = 60
	demoHour    = 10_000
	demoUsed    = 1_284
)

// furnish fills the fake tenant of -demo with what a small service desk has. It is
// the same each time, except for the dates.
func furnish(srv *autotasktest.Server, clock func() time.Time) {
	if clock != nil {
		srv.SetClock(clock)
	} else {
		clock = time.Now
	}
	random := rand.New(rand.NewPCG(18, 1)) //nolint:gosec // the same tenant every time
	now := clock().UTC().Truncate(time.Second)
	srv.SetThreshold(demoHour, demoUsed)
	srv.SetUDFs("Tickets",
		autotasktest.UDFDefinition{Name: "Backup Plan", Picklist: []autotasktest.PicklistValue{{Value: "1", Label: "Gold"}, {Value: "2", Label: "Silver"}}},
		autotasktest.UDFDefinition{Name: "Devices", Type: "integer"},
	)
	companies := []int64{autotasktest.CustomerID}
	for _, name := range []string{"Acme Bakery", "Blue Harbour Hotel", "Corner Clinic"} {
		companies = append(companies, srv.Seed("Companies", map[string]any{"companyName": name, "isActive": true, "phone": "030 901820", "createDate": now.AddDate(-2, 0, 0), "lastActivityDate": now.AddDate(0, -1, 0)}))
	}
	for i, name := range [][2]string{{"Ada", "Weber"}, {"Ben", "Okafor"}, {"Chloé", "Martin"}, {"Dan", "Kowalski"}} {
		srv.Seed("Contacts", map[string]any{
			"firstName": name[0], "lastName": name[1], "companyID": companies[i%len(companies)], "isActive": 1,
			"emailAddress": fmt.Sprintf("contact%d@example.com", i+1), "createDate": now.AddDate(-1, 0, 0), "lastModifiedDate": now.AddDate(0, -1, 0),
		})
	}
	titles := []string{
		"Backup failed", "Printer shows an error", "Mailbox is full", "Cannot log in", "New laptop for reception", "The network is slow",
		"日本語のフォントが表示されない", "Invoice program closes by itself while the monthly statement is being printed",
	}
	for i := range demoTickets {
		made := now.Add(-time.Duration(2+random.IntN(60*24)) * time.Hour)
		status := []int{1, 1, 5, 5, 7, 8, 10}[random.IntN(7)]
		fields := map[string]any{
			"title": titles[i%len(titles)], "companyID": companies[random.IntN(len(companies))], "status": status, "resolution": nil,
			"priority": 1 + random.IntN(3), "createDate": made, "lastActivityDate": made, "dueDateTime": made.AddDate(0, 0, 3),
			"ticketNumber":      fmt.Sprintf("T%s.%04d", made.Format("20060102"), i+1),
			"userDefinedFields": []map[string]any{{"name": "Backup Plan", "value": fmt.Sprint(1 + i%2)}, {"name": "Devices", "value": fmt.Sprint(i % 20)}},
		}
		if status == 5 {
			done := made.Add(90 * time.Minute)
			fields["completedDate"], fields["resolvedDateTime"], fields["lastActivityDate"] = done, done, done
			fields["resolution"] = "It works again after a restart."
		}
		id := srv.Seed("Tickets", fields)
		if i%5 == 4 {
			srv.Seed("TicketNotes", map[string]any{"ticketID": id, "title": "Checked", "description": "Looked at the log.", "createDateTime": made, "lastActivityDate": made})
			srv.Seed("TimeEntries", map[string]any{
				"ticketID": id, "hoursWorked": 0.5, "summaryNotes": "Looked at the log.", "dateWorked": made.Truncate(24 * time.Hour),
				"createDateTime": made, "lastModifiedDateTime": made,
			})
		}
	}
	old := now.AddDate(0, -3, 0)
	project := srv.Seed("Projects", map[string]any{"projectName": "Office move", "companyID": companies[1], "createDateTime": old, "lastActivityDateTime": old})
	srv.Seed("Tasks", map[string]any{"title": "Pack the servers", "projectID": project, "createDateTime": old, "lastActivityDateTime": old})
	srv.Seed("Contracts", map[string]any{"contractName": "Managed services", "companyID": companies[1]})
	srv.Seed("ConfigurationItems", map[string]any{"referenceTitle": "MAIL-02", "companyID": companies[2], "createDate": old})
	srv.Remove("Tickets", srv.Seed("Tickets", map[string]any{"title": "Opened twice", "createDate": old, "lastActivityDate": old}))
}
