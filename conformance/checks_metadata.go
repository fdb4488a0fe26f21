package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Metadata: contract 3, 7, 8 and notes 7.6, 7.7, 8, 9, 11, 14.1, 15.

// required, lengths and set by Autotask, as notes 7.7 has them.
var (
	requiredOnTickets = []string{"companyID", "priority", "status", "title"}

	ticketLengths = map[string]int64{
		"title": 255, "description": 8000, "resolution": 32000,
		"externalID": 50, "ticketNumber": 50, "purchaseOrderNumber": 50,
	}

	setByAutotask = []string{
		"id", "apiVendorID", "completedByResourceID", "completedDate", "createDate", "creatorResourceID", "creatorType",
		"firstResponseDateTime", "hoursToBeScheduled", "lastActivityDate", "lastActivityPersonType", "lastActivityResourceID",
		"lastTrackedModificationDateTime", "resolutionPlanDateTime", "resolvedDateTime",
	}

	dataTypes = []string{"string", "integer", "long", "short", "datetime", "boolean", "double", "decimal", "byte[]"}
)

func metadataChecks() []Check {
	return []Check{
		{
			ID: "contract/3/status", Section: "contract 3", Evidence: "CONTRACT", Requests: 1,
			Title: "status is an integer picklist whose values come inline",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "status: integer, isPickList, picklistValues not empty", Fake: "the same",
			run: statusIsPicklist,
		},
		{
			ID: "contract/3/labels", Section: "contract 3", Evidence: "CONTRACT", Requests: 1,
			Title: "Every status has an integer id of its own and a label",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "unique integer ids, labels that are not empty", Fake: "the same",
			run: statusLabels,
		},
		{
			ID: "question/7.6/one-and-five", Section: "notes 7.6", Evidence: "LIVE", Question: true, Requests: 1,
			Title: "Does the tenant have the statuses 1, 5 and 8?",
			Asks:  "GET Tickets/entityInformation/fields", Fake: "1 New, 5 Complete, 8 Completed",
			run: oneAndFive,
		},
		{
			ID: "contract/8/resolution-field", Section: "contract 8", Evidence: "CONTRACT", Requests: 1,
			Title: "resolution is a string of 32,000 characters that can be written",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "dataType string, length 32000, isReadOnly false", Fake: "the same",
			run: resolutionField,
		},
		{
			ID: "notes/7.7/required", Section: "notes 7.7", Evidence: "META", Requests: 1,
			Title: "companyID, priority, status and title of tickets are required",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "isRequired of the four", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "Tickets", requiredOnTickets, "isRequired", func(f field) bool { return f.required })
			},
		},
		{
			ID: "notes/7.7/lengths", Section: "notes 7.7", Evidence: "META", Requests: 1,
			Title: "The texts of tickets have their known lengths",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "title 255, description 8000, resolution 32000, four others 50", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				names := keysOf(ticketLengths)
				return r.every(ctx, "Tickets", names, "the known length", func(f field) bool {
					return f.length == ticketLengths[canonical(names, f.name)]
				})
			},
		},
		{
			ID: "notes/7.7/read-only", Section: "notes 7.7", Evidence: "META", Requests: 1,
			Title: "What Autotask sets on tickets is read-only",
			Asks:  "GET Tickets/entityInformation/fields", Expects: fmt.Sprintf("isReadOnly of %d fields", len(setByAutotask)), Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "Tickets", setByAutotask, "isReadOnly", func(f field) bool { return f.readOnly })
			},
		},
		{
			ID: "notes/3.3/queryable", Section: "notes 3.3", Evidence: "DOC", Requests: 1,
			Title: "creatorType and lastActivityPersonType of tickets cannot be filtered by",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "isQueryable false", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "Tickets", []string{"creatorType", "lastActivityPersonType"}, "isQueryable false", func(f field) bool { return !f.queryable })
			},
		},
		{
			ID: "notes/11.1/members", Section: "notes 11.1", Evidence: "LIVE", Requests: 1,
			Title: "A field is described by its eleven members, with a known dataType",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "name, dataType, length, isRequired, isReadOnly, isQueryable, isReference, referenceEntityType, isPickList, picklistValues, picklistParentValueField", Fake: "the same",
			run: fieldMembers,
		},
		{
			ID: "notes/11.2/values", Section: "notes 11.2", Evidence: "LIVE", Requests: 1,
			Title: "Picklist values are texts; what is no picklist has null or none",
			Asks:  "GET Tickets/entityInformation/fields", Expects: "value a text, parentValue a text or null", Fake: "the same",
			run: picklistValues,
		},
		{
			ID: "notes/11.3/info", Section: "notes 11.3", Evidence: "LIVE", Requests: 1,
			Title: "entityInformation answers info, with canCreate and userAccessForCreate and the like",
			Asks:  "GET Tickets/entityInformation", Expects: "info with four can… and four userAccessFor…", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				info, err := r.info(ctx, "Tickets")
				if err != nil {
					return "", err
				}
				var names []string
				for _, verb := range []string{"Create", "Delete", "Query", "Update"} {
					names = append(names, "can"+verb, "userAccessFor"+verb)
				}
				if gone := missing(info, names...); len(gone) > 0 {
					return "", failf("without %s", strings.Join(gone, ", "))
				}
				if isTrue(info["canDelete"]) {
					return "", failf("tickets can be deleted")
				}
				return "", nil
			},
		},
		{
			ID: "notes/11.3/udfs", Section: "notes 11.3", Evidence: "LIVE", Requests: 1,
			Title: "User-defined fields are described with type, not dataType",
			Asks:  "GET Tickets/entityInformation/userDefinedFields", Expects: "fields, each with name and type", Fake: "the same",
			run: udfDefinitions,
		},
		{
			ID: "notes/11.3/no-udfs", Section: "notes 11.3", Evidence: "LIVE", Requests: 1,
			Title: "Of an entity that has none, the user-defined fields are 404",
			Asks:  "GET TimeEntries/entityInformation/userDefinedFields", Expects: "404", Fake: "404",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.notFound(ctx, request{method: http.MethodGet, path: "TimeEntries/entityInformation/userDefinedFields"})
			},
		},
		{
			ID: "question/7/creatable", Section: "contract 7", Evidence: "CONTRACT", Question: true, Requests: 1,
			Title: "Does the metadata say that ticket notes can be created?",
			Asks:  "GET TicketNotes/entityInformation", Fake: "yes, though POST /TicketNotes is 404",
			run: func(ctx context.Context, r *run) (string, error) { return r.canCreate(ctx, "TicketNotes") },
		},
		{
			ID: "contract/7/required", Section: "contract 7", Evidence: "CONTRACT, META", Requests: 1,
			Title: "Ticket notes require description, noteType and publish",
			Asks:  "GET TicketNotes/entityInformation/fields", Expects: "isRequired of the three; title depends on the category, see notes 8", Fake: "all four are required",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "TicketNotes", []string{"description", "noteType", "publish"}, "isRequired", func(f field) bool { return f.required })
			},
		},
		{
			ID: "notes/8/lengths", Section: "notes 8", Evidence: "META", Requests: 1,
			Title: "A note's title has 250 characters, its description 32,000",
			Asks:  "GET TicketNotes/entityInformation/fields", Expects: "these lengths", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "TicketNotes", []string{"title", "description"}, "the known length", func(f field) bool {
					return f.length == map[string]int64{"title": 250, "description": 32000}[strings.ToLower(f.name)]
				})
			},
		},
		{
			ID: "notes/8/picklists", Section: "notes 8", Evidence: "LIVE", Requests: 1,
			Title: "noteType and publish of notes are picklists",
			Asks:  "GET TicketNotes/entityInformation/fields", Expects: "values inline", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				return r.every(ctx, "TicketNotes", []string{"noteType", "publish"}, "values inline", func(f field) bool { return f.picklist && len(f.values) > 0 })
			},
		},
		{
			ID: "notes/9/fields", Section: "notes 9", Evidence: "LIVE", Requests: 1,
			Title: "Time entries have ticketID, and no projectID",
			Asks:  "GET TimeEntries/entityInformation/fields", Expects: "the one and not the other", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				l, err := r.fieldsOf(ctx, "TimeEntries")
				if err != nil {
					return "", err
				}
				if _, ok := l.find("ticketID"); !ok {
					return "", failf("there is no ticketID")
				}
				if _, ok := l.find("projectID"); ok {
					return "", failf("there is a projectID")
				}
				return "", nil
			},
		},
		{
			ID: "notes/15.1/cursors", Section: "notes 15.1", Evidence: "DOC", Requests: 3,
			Title: "Changes can be searched for by lastActivityDate of tickets and notes, lastModifiedDateTime of time entries",
			Asks:  "GET …/entityInformation/fields of the three", Expects: "isQueryable of them", Fake: "the same",
			run: cursors([]cursor{{"Tickets", "lastActivityDate"}, {"TicketNotes", "lastActivityDate"}, {"TimeEntries", "lastModifiedDateTime"}}),
		},
		{
			ID: "question/14.1/webhooks", Section: "notes 14.1", Evidence: "DOC", Question: true, Requests: 1,
			Title: "May this user create webhooks of tickets?", Asks: "GET TicketWebhooks/entityInformation", Fake: "yes",
			run: func(ctx context.Context, r *run) (string, error) { return r.canCreate(ctx, "TicketWebhooks") },
		},
		{
			ID: "question/15.2/deletions", Section: "notes 15.2", Evidence: "SWAGGER, PEER", Question: true, Requests: 1,
			Title: "May this user read which tickets were deleted?", Asks: "POST DeletedTicketLogs/query/count, exist id", Fake: "yes",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.send(ctx, request{method: http.MethodPost, path: "DeletedTicketLogs/query/count", body: filter(condition("exist", "id", nil))})
				if err != nil {
					return "", err
				}
				return a.describe(), nil
			},
		},
	}
}

// every demands something of the named fields of a collection.
func (r *run) every(ctx context.Context, collection string, names []string, what string, holds func(field) bool) (string, error) {
	l, err := r.fieldsOf(ctx, collection)
	if err != nil {
		return "", err
	}
	var wrong []string
	for _, name := range names {
		if f, ok := l.find(name); !ok || !holds(f) {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		return "", failf("not so, or not there: %s (%s)", strings.Join(wrong, ", "), what)
	}
	return "", nil
}

func canonical(names []string, name string) string {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return name
}

func (r *run) info(ctx context.Context, collection string) (obj, error) {
	a, err := r.get(ctx, collection+"/entityInformation")
	if err != nil {
		return nil, err
	}
	if err := granted(a, "read what "+collection+" are"); err != nil {
		return nil, err
	}
	info, ok := a.data["info"].(obj)
	if !ok {
		return nil, failf("there is no info")
	}
	return info, nil
}

func (r *run) canCreate(ctx context.Context, collection string) (string, error) {
	info, err := r.info(ctx, collection)
	if err != nil {
		return "", err
	}
	access := "of another form"
	if s := text(info["userAccessForCreate"]); slices.Contains([]string{"None", "All", "Restricted"}, s) {
		access = s
	} else if n, ok := whole(info["userAccessForCreate"]); ok {
		access = fmt.Sprintf("the number %d", n)
	}
	return fmt.Sprintf("canCreate is %v, userAccessForCreate %s", isTrue(info["canCreate"]), access), nil
}

// notFound demands 404.
func (r *run) notFound(ctx context.Context, q request) (string, error) {
	a, err := r.send(ctx, q)
	if err != nil {
		return "", err
	}
	if a.denied() {
		return "", skip("this user may not do it at all")
	}
	if a.status != http.StatusNotFound {
		return "", failf("not 404: %s", a.describe())
	}
	return "", nil
}

func (r *run) status(ctx context.Context) (field, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return field{}, err
	}
	f, ok := l.find("status")
	if !ok {
		return field{}, failf("tickets have no field status")
	}
	return f, nil
}

func statusIsPicklist(ctx context.Context, r *run) (string, error) {
	f, err := r.status(ctx)
	switch {
	case err != nil:
		return "", err
	case f.dataType != "integer" || !f.picklist:
		return "", failf("status is no integer picklist")
	case len(f.values) == 0:
		return "", failf("status has no values inline")
	}
	return fmt.Sprintf("%d values", len(f.values)), nil
}

func statusLabels(ctx context.Context, r *run) (string, error) {
	f, err := r.status(ctx)
	if err != nil {
		return "", err
	}
	seen := map[int64]bool{}
	for _, v := range f.values {
		id, ok := whole(v["value"])
		switch {
		case !ok:
			return "", failf("a status has no integer id")
		case seen[id]:
			return "", failf("status %d is there twice", id)
		case strings.TrimSpace(text(v["label"])) == "":
			return "", failf("status %d has no label", id)
		}
		seen[id] = true
	}
	return "", nil
}

func oneAndFive(ctx context.Context, r *run) (string, error) {
	f, err := r.status(ctx)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, id := range []int64{1, 5, 8} {
		state := "no"
		for _, v := range f.values {
			if n, ok := whole(v["value"]); ok && n == id {
				state = "yes"
				if !isActive(v) {
					state = "inactive"
				}
			}
		}
		parts = append(parts, fmt.Sprintf("%d: %s", id, state))
	}
	return strings.Join(parts, ", "), nil
}

// isActive reports whether a picklist value can be set.
func isActive(v obj) bool {
	active, given := v["isActive"]
	return !given || isTrue(active)
}

func resolutionField(ctx context.Context, r *run) (string, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return "", err
	}
	f, ok := l.find("resolution")
	switch {
	case !ok:
		return "", failf("there is no resolution")
	case f.dataType != "string" || f.length != 32000:
		return "", failf("it has length %d, or is no string", f.length)
	case f.readOnly:
		return "", failf("it is read-only")
	}
	return "", nil
}

func fieldMembers(ctx context.Context, r *run) (string, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return "", err
	}
	for _, f := range l {
		gone := missing(f.raw, "name", "dataType", "length", "isRequired", "isReadOnly", "isQueryable",
			"isReference", "referenceEntityType", "isPickList", "picklistValues", "picklistParentValueField")
		if len(gone) > 0 {
			return "", failf("a field is described without %s", strings.Join(gone, ", "))
		}
		if !slices.Contains(dataTypes, strings.ToLower(f.dataType)) {
			return "", failf("a field has a dataType that is not known")
		}
	}
	return fmt.Sprintf("%d fields", len(l)), nil
}

func picklistValues(ctx context.Context, r *run) (string, error) {
	l, err := r.fieldsOf(ctx, "Tickets")
	if err != nil {
		return "", err
	}
	lists := 0
	for _, f := range l {
		if !f.picklist {
			if len(f.values) > 0 {
				return "", failf("a field that is no picklist has values")
			}
			continue
		}
		lists++
		for _, v := range f.values {
			_, isText := v["value"].(string)
			_, parentIsText := v["parentValue"].(string)
			if !isText || !parentIsText && v["parentValue"] != nil {
				return "", failf("a value or parentValue is no text")
			}
		}
	}
	return fmt.Sprintf("%d picklists", lists), nil
}

func udfDefinitions(ctx context.Context, r *run) (string, error) {
	a, err := r.get(ctx, "Tickets/entityInformation/userDefinedFields")
	if err != nil {
		return "", err
	}
	if a.status == http.StatusNotFound {
		return "", skip("tickets of this tenant have no user-defined fields")
	}
	if err := granted(a, "read the user-defined fields of Tickets"); err != nil {
		return "", err
	}
	list, ok := objects(a.data["fields"])
	if !ok {
		return "", failf("there is no list fields")
	}
	for _, f := range list {
		if text(f["name"]) == "" || text(f["type"]) == "" {
			return "", failf("a field has no name or no type")
		}
	}
	return fmt.Sprintf("%d fields", len(list)), nil
}

// cursor is a field by which changes of a collection are searched for.
type cursor struct{ collection, field string }

func cursors(all []cursor) func(context.Context, *run) (string, error) {
	return func(ctx context.Context, r *run) (string, error) {
		var unseen []string
		for _, c := range all {
			_, err := r.every(ctx, c.collection, []string{c.field}, "isQueryable of "+c.collection, func(f field) bool { return f.queryable })
			var unable skip
			if errors.As(err, &unable) {
				unseen = append(unseen, c.collection)
			} else if err != nil {
				return "", err
			}
		}
		switch len(unseen) {
		case 0:
			return "", nil
		case len(all):
			return "", skip("this user may not read the fields of any of them")
		}
		return "this user may not read the fields of " + strings.Join(unseen, ", "), nil
	}
}
