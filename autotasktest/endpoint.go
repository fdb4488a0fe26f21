package autotasktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// endpoint is a request about a row that is not an operation of its collection.
type endpoint struct {
	method string
	path   string // with {} for each id
	writes bool   // whatever the method says
	run    func(s *Server, c *call, ids []int64) answer
}

var endpoints = []endpoint{
	{http.MethodGet, "Companies/{}/invoiceSettings", false, (*Server).invoiceSettings},
	{http.MethodPut, "Companies/{}/invoiceSettings", true, (*Server).setInvoiceSettings},
	{http.MethodPost, "Companies/{}/invoiceSettings/contactRecipients", true, addRecipients(contactRecipients)},
	{http.MethodDelete, "Companies/{}/invoiceSettings/contactRecipients/{}", true, removeRecipient(contactRecipients)},
	{http.MethodPost, "Companies/{}/invoiceSettings/resourceRecipients", true, addRecipients(resourceRecipients)},
	{http.MethodDelete, "Companies/{}/invoiceSettings/resourceRecipients/{}", true, removeRecipient(resourceRecipients)},
	{http.MethodGet, "Invoices/{}/InvoicePdf", false, (*Server).invoicePDF},
	{http.MethodGet, "Invoices/{}/InvoiceMarkupHtml", false, invoiceMarkup("<html><body>Invoice %s</body></html>")},
	{http.MethodGet, "Invoices/{}/InvoiceMarkupXml", false, invoiceMarkup("<Invoice><Number>%s</Number></Invoice>")},
	{http.MethodGet, "Resources/{}/TimeOffBalances/{}", false, (*Server).timeOffBalance},
	{http.MethodGet, "TimeOffRequests/{}/Approve", true, (*Server).approveTimeOff},
}

// endpointOf returns the endpoint of a request and the ids in its path; one
// without a method where there is a path but not for this method; nil for none.
func endpointOf(c *call) (*endpoint, []int64) {
	if !c.inAPI {
		return nil, nil
	}
	var ids []int64
	segments := strings.Split(c.path, "/")
	for i, segment := range segments {
		if isID(segment) {
			id, _ := strconv.ParseInt(segment, 10, 64) // isID has done it, too
			ids = append(ids, id)
			segments[i] = "{}"
		}
	}
	path := strings.Join(segments, "/")
	var found *endpoint
	for i := range endpoints {
		switch e := &endpoints[i]; {
		case e.path != path:
		case e.method == c.request.Method:
			return e, ids
		default:
			found = &endpoint{path: path}
		}
	}
	return found, nil
}

func (s *Server) serveEndpoint(c *call, e *endpoint, ids []int64) answer {
	if e.method == "" {
		return methodNotAllowed(c.request.Method)
	}
	c.isRead = !e.writes
	if refusal, ok := s.admit(c); !ok {
		return refusal
	}
	return e.run(s, c, ids)
}

// rowOf returns a row of a collection, nil for none.
func (s *Server) rowOf(collection string, id int64) *row {
	return s.table(schema.Lookup(collection).Entity).rows[id]
}

// The members of a company's invoice settings.
const (
	contactRecipients  = "contactRecipients"
	resourceRecipients = "resourceRecipients"
)

var invoiceSettings = []string{"taxExempt", "taxRegionId", "taxId", "invoiceEmailingEnabled", contactRecipients, resourceRecipients, "otherEmails"}

// settingsOf returns the invoice settings of a company. They are not a row.
func (s *Server) settingsOf(company int64) object {
	if o := s.invoicing[company]; o != nil {
		return o
	}
	var o object
	for _, name := range invoiceSettings {
		o.set(name, null)
	}
	o.set("taxExempt", encode(false))
	o.set("invoiceEmailingEnabled", encode(false))
	o.set(contactRecipients, json.RawMessage("[]"))
	o.set(resourceRecipients, json.RawMessage("[]"))
	return o
}

func (s *Server) keepSettings(company int64, o object) {
	if s.invoicing == nil {
		s.invoicing = make(map[int64]object)
	}
	s.invoicing[company] = o
}

func (s *Server) invoiceSettings(_ *call, ids []int64) answer {
	if s.rowOf("Companies", ids[0]) == nil {
		return noRecord("query")
	}
	return ok(s.settingsOf(ids[0]).text())
}

// setInvoiceSettings replaces the settings except the recipients, which have their
// own requests.
func (s *Server) setInvoiceSettings(c *call, ids []int64) answer {
	body, err := parseBody(c.body)
	if err != nil {
		return refuseError(err)
	}
	if s.rowOf("Companies", ids[0]) == nil {
		return noRecord("update")
	}
	o := slices.Clone(s.settingsOf(ids[0]))
	for _, name := range invoiceSettings {
		if name != contactRecipients && name != resourceRecipients {
			o.set(name, body.get(name))
		}
	}
	s.keepSettings(ids[0], o)
	return written(ids[0])
}

func recipients(o object, of string) []int64 {
	var ids []int64
	_ = json.Unmarshal(o.get(of), &ids) // they were written by keepRecipients
	return ids
}

func (s *Server) keepRecipients(company int64, of string, ids []int64) json.RawMessage {
	o := slices.Clone(s.settingsOf(company))
	text := encode(append([]int64{}, ids...))
	o.set(of, text)
	s.keepSettings(company, o)
	return text
}

func addRecipients(of string) func(*Server, *call, []int64) answer {
	return func(s *Server, c *call, ids []int64) answer {
		body, err := parseBody(c.body)
		if err != nil {
			return refuseError(err)
		}
		var added []int64
		if err := json.Unmarshal(body.get("items"), &added); err != nil || isNull(body.get("items")) {
			return refuse("The items must be an array of ids.")
		}
		if s.rowOf("Companies", ids[0]) == nil {
			return noRecord("update")
		}
		all := append(recipients(s.settingsOf(ids[0]), of), added...)
		slices.Sort(all)
		return okWith(of, s.keepRecipients(ids[0], of, slices.Compact(all)))
	}
}

func removeRecipient(of string) func(*Server, *call, []int64) answer {
	return func(s *Server, _ *call, ids []int64) answer {
		all := recipients(s.settingsOf(ids[0]), of)
		i := slices.Index(all, ids[1])
		if i < 0 {
			return noRecord("delete")
		}
		s.keepRecipients(ids[0], of, slices.Delete(all, i, i+1))
		return written(ids[1])
	}
}

// invoicePDF answers a file that only begins like a PDF.
func (s *Server) invoicePDF(_ *call, ids []int64) answer {
	r := s.rowOf("Invoices", ids[0])
	if r == nil {
		return noRecord("query")
	}
	file := []byte("%PDF-1.4\n% Invoice " + textOf(r.fields.get("invoiceNumber")) + "\n%%EOF\n")
	return ok(object{
		{"id", integer(r.id)},
		{"contentType", encode("application/pdf")},
		{"fileName", encode(fmt.Sprintf("Invoice%d.pdf", r.id))},
		{"fileSize", integer(int64(len(file)))},
		{"data", encode(file)},
	}.text())
}

func invoiceMarkup(format string) func(*Server, *call, []int64) answer {
	return func(s *Server, _ *call, ids []int64) answer {
		r := s.rowOf("Invoices", ids[0])
		if r == nil {
			return noRecord("query")
		}
		return okWith("invoiceMarkup", encode(fmt.Sprintf(format, textOf(r.fields.get("invoiceNumber")))))
	}
}

// timeOffBalance answers the balance of a person in a year.
func (s *Server) timeOffBalance(_ *call, ids []int64) answer {
	e := schema.Lookup("ResourceTimeOffBalances").Entity
	for _, r := range s.table(e).all() {
		if textOf(r.fields.get("resourceID")) == strconv.FormatInt(ids[0], 10) && textOf(r.fields.get("year")) == strconv.FormatInt(ids[1], 10) {
			return okWith("item", s.render(e, r))
		}
	}
	return okWith("item", null)
}

// approveTimeOff writes although it is a GET. The resulting status is not known, so
// it does not change.
func (s *Server) approveTimeOff(c *call, ids []int64) answer {
	t := s.table(schema.Lookup("TimeOffRequests").Entity)
	old := t.rows[ids[0]]
	if old == nil {
		return noRecord("update")
	}
	fields := slices.Clone(old.fields)
	fields.set("approvedDateTime", s.stamp())
	fields.set("approveRejectResourceID", integer(c.actor))
	stampImpersonator(t.entity, &fields, "impersonatorApproveRejectResourceID", c.impersonator)
	s.stampChange(t.entity, &fields, c.actor, nil)
	return s.store(c, t, &row{id: old.id, fields: fields})
}

// authToken answers a token that grants nothing: how to present one has never been
// published.
func (s *Server) authToken(*call) answer {
	return ok(object{
		{"authToken", encode("fake-token")},
		{"expiration", formatDate(s.databaseNow().Add(time.Hour))},
	}.text())
}
