package conformance

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Other entities: notes 1.1, 3.3, 6.5, 9, 12.1, 12.4, 13 to 15.

func otherChecks() []Check {
	return []Check{
		{
			ID: "question/1.1/versions", Section: "notes 1.1", Evidence: "LIVE", Question: true, Requests: 1,
			Title: "Is there a list of the API's versions?", Asks: "GET …/ATServicesRest/versioninformation", Fake: "yes, with v1.0",
			run: versions,
		},
		{
			ID: "notes/6.5/own-company", Section: "notes 6.5", Evidence: "LIVE", Requests: 1,
			Title: "The tenant's own company has the id 0",
			Asks:  "GET Companies/0", Expects: "a company", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, "Companies/0")
				if err != nil {
					return "", err
				}
				if err := granted(a, "read companies"); err != nil {
					return "", err
				}
				if id, ok := whole(itemOf(a)["id"]); !ok || id != 0 {
					return "", failf("there is none, or this user does not see it")
				}
				return "", nil
			},
		},
		{
			ID: "question/9/roles", Section: "notes 9", Evidence: "LIVE", Question: true, Requests: 1,
			Title: "May this user read ResourceRoles, which time entries need?", Asks: "POST ResourceRoles/query/count, exist id", Fake: "yes",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.send(ctx, request{method: http.MethodPost, path: "ResourceRoles/query/count", body: filter(condition("exist", "id", nil))})
				if err != nil {
					return "", err
				}
				return a.describe(), nil
			},
		},
		{
			ID: "question/12.1/thirds", Section: "notes 12.1", Evidence: "LIVE", Question: true, Requests: 2,
			Title: "Do stamps have a resolution of 1/300 of a second?", Asks: "the last digits of the stamps of up to five tickets", Fake: "yes",
			run: thirds,
		},
		{
			ID: "notes/12.4/flags", Section: "notes 12.4", Evidence: "LIVE", Requests: 1,
			Title: "isActive of contacts is 0 or 1",
			Asks:  "POST Contacts/query, exist id, MaxRecords 1", Expects: "the number 0 or 1", Fake: "the same",
			run: activeContacts,
		},
		{
			ID: "notes/13.3/no-file", Section: "notes 13.3", Evidence: "LIVE", Requests: 2,
			Title: "The list of a ticket's attachments has no file",
			Asks:  "GET Tickets/{id}/Attachments", Expects: "items and pageDetails; data null or absent", Fake: "the same",
			run: attachmentList,
		},
		{
			ID: "notes/13.4/parent", Section: "notes 3.3, 13.4", Evidence: "DOC", Requests: 2,
			Title: "A search of attachments must name the parent",
			Asks:  "POST TicketAttachments/query, exist id", Expects: "500 with errors", Fake: "the same",
			run: seeing(func(ctx context.Context, r *run) (string, error) {
				a, err := r.postQuery(ctx, "TicketAttachments", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": 1, "IncludeFields": []string{"id"}}))
				if err != nil {
					return "", err
				}
				return "", refused(a)
			}),
		},
		{
			ID: "notes/14.1/webhook-fields", Section: "notes 14.1", Evidence: "DOC, META", Requests: 1,
			Title: "A webhook's name has 50 characters, its address 500, its secret 64",
			Asks:  "GET TicketWebhooks/entityInformation/fields", Expects: "these lengths", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				lengths := map[string]int64{"name": 50, "webhookUrl": 500, "secretKey": 64}
				names := keysOf(lengths)
				return r.every(ctx, "TicketWebhooks", names, "the known length", func(f field) bool { return f.length == lengths[canonical(names, f.name)] })
			},
		},
		{
			ID: "notes/15.1/other-cursors", Section: "notes 15.1", Evidence: "DOC", Requests: 3,
			Title: "Changes can be searched for by lastActivityDate of companies, lastModifiedDate of contacts, lastActivityDateTime of projects",
			Asks:  "GET …/entityInformation/fields of the three", Expects: "isQueryable of them", Fake: "the same",
			run: cursors([]cursor{{"Companies", "lastActivityDate"}, {"Contacts", "lastModifiedDate"}, {"Projects", "lastActivityDateTime"}}),
		},
	}
}

func versions(ctx context.Context, r *run) (string, error) {
	a, err := r.send(ctx, request{method: http.MethodGet, path: r.wire.beside("/ATServicesRest/versioninformation"), loose: true})
	if err != nil {
		return "", err
	}
	list, ok := a.data["apiVersions"].([]any)
	if !ok {
		return a.describe(), nil
	}
	for _, v := range list {
		if s := text(v); strings.Trim(strings.ToLower(s), "v") == "1.0" {
			return fmt.Sprintf("%d, version 1.0 among them", len(list)), nil
		}
	}
	return fmt.Sprintf("%d, and none is 1.0", len(list)), nil
}

// thirds looks at stamps with three digits behind the second: those of a clock of
// 1/300 s end in 0, 3 or 7.
func thirds(ctx context.Context, r *run) (string, error) {
	rows, err := r.sample(ctx, 1)
	if err != nil {
		return "", err
	}
	fit, all := 0, 0
	for _, row := range rows {
		for _, name := range []string{"createDate", "lastActivityDate", "lastTrackedModificationDateTime", "completedDate"} {
			_, digits, _ := strings.Cut(strings.TrimSuffix(text(row[name]), "Z"), ".")
			if len(digits) != 3 {
				continue
			}
			all++
			if strings.ContainsAny(digits[2:], "037") {
				fit++
			}
		}
	}
	if all == 0 {
		return "", skip("no stamp of these tickets has three digits behind the second")
	}
	return percent(fit, all) + " stamps with three digits end in 0, 3 or 7", nil
}

func activeContacts(ctx context.Context, r *run) (string, error) {
	rows, _, err := r.query(ctx, "Contacts", with(filter(condition("exist", "id", nil)), obj{"MaxRecords": 1, "IncludeFields": []string{"id", "isActive"}}))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", skip("this user sees no contact")
	}
	if n, ok := whole(rows[0]["isActive"]); !ok || !isNumber(rows[0]["isActive"]) || n != 0 && n != 1 {
		return "", failf("it is something else")
	}
	return "", nil
}

func attachmentList(ctx context.Context, r *run) (string, error) {
	id, _, err := r.ticket(ctx)
	if err != nil {
		return "", err
	}
	a, err := r.get(ctx, fmt.Sprintf("Tickets/%d/Attachments", id))
	if err != nil {
		return "", err
	}
	if err := granted(a, "read the attachments of a ticket"); err != nil {
		return "", err
	}
	rows, ok := objects(a.data["items"])
	if _, paged := a.data["pageDetails"].(obj); !ok || !paged {
		return "", failf("there are no items or no pageDetails")
	}
	for _, row := range rows {
		if !empty(row["data"]) {
			return "", failf("an attachment has data")
		}
	}
	return fmt.Sprintf("%d attachments", len(rows)), nil
}
