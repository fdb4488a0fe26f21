package autotasktest

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/autotask-go/autotask/internal/schema"
)

// impersonable are the collections whose rows can be written with impersonation, by
// the vendor's list. AttachmentInfo, which cannot be written, stands for all
// attachments.
var impersonable = []string{
	"Companies", "CompanyNotes", "CompanyToDos", "Contacts", "ContractNotes", "ConfigurationItems", "ConfigurationItemNotes",
	"InventoryItems", "InventoryLocations", "Opportunities", "Products", "ProductNotes", "Projects", "ProjectNotes",
	"PurchaseOrders", "Quotes", "SalesOrders", "ServiceCalls", "Subscriptions", "TaskNotes", "Tickets", "TicketNotes", "TimeEntries",
}

var impersonableEntities = sync.OnceValue(func() map[*schema.Entity]bool {
	all := make(map[*schema.Entity]bool)
	for _, name := range impersonable {
		all[schema.Lookup(name).Entity] = true
	}
	for _, e := range schema.Entities() {
		if isAttachment(e) {
			all[e] = true
		}
	}
	return all
})

// impersonate determines who acts. Impersonation is allowed only for writes of some
// entities, and for resources that exist.
func (s *Server) impersonate(c *call) (answer, bool) {
	c.actor = APIUserID
	person := c.request.Header.Get(headerImpersonation)
	if person == "" {
		return answer{}, true
	}
	if c.isRead {
		return refuse(noPermission("query")), false
	}
	id, err := strconv.ParseInt(person, 10, 64)
	if err != nil {
		return refuseError(conversionError(person, "int")), false
	}
	if !s.isImpersonable(id) || c.collection != nil && !impersonableEntities()[c.collection.Entity] {
		return refuse(noPermission(permissions[c.request.Method])), false
	}
	c.actor, c.impersonator = id, APIUserID
	return answer{}, true
}

// isImpersonable reports whether a resource can be impersonated: it is active and not
// the API user.
func (s *Server) isImpersonable(id int64) bool {
	person := s.rowOf("Resources", id)
	return id != APIUserID && person != nil && !isFalse(person.fields.get("isActive"))
}

// permissions are what one needs for a request.
var permissions = map[string]string{
	http.MethodPost:   "create",
	http.MethodPut:    "update",
	http.MethodPatch:  "update",
	http.MethodDelete: "delete",
}

func noPermission(to string) string {
	return "The logged in Resource does not have the adequate permissions to " + to + " this entity type."
}
