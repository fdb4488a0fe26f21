package autotasktest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/autotask-go/autotask/internal/schema"
)

// Autotask's limits for attachments. Its pages say 6 to 7 MB a file: what is accepted
// here is accepted there.
const (
	maxAttachment     = 6_000_000  // bytes of one file, before it is base64
	maxAttachments    = 10_000_000 // bytes of all files in attachmentsWithin
	attachmentsWithin = 5 * time.Minute
	attachmentsPause  = 5 * time.Minute // without any attachment, when that was too much
)

// The type of an attachment that holds a file. The others are links.
const fileAttachment = "FILE_ATTACHMENT"

var attachmentTypes = []string{fileAttachment, "FILE_LINK", "FOLDER_LINK", "URL"}

// attachmentRequired are the fields that a new attachment must have.
var attachmentRequired = []string{"attachmentType", "fullPath", "publish", "title"}

// AttachmentForm is the form of the answer to a GET of one attachment.
type AttachmentForm int

// The forms that have been reported.
const (
	AttachmentItem  AttachmentForm = iota // {"item":{…}}, as of any other row
	AttachmentItems                       // {"items":[{…}],"pageDetails":{…}}, as of a list
	AttachmentBare                        // {…}, the attachment and nothing around it
)

// AttachmentShape is how one attachment is served.
type AttachmentShape struct {
	Form   AttachmentForm
	NoData bool // "data" is null here, as it is in every list
}

// attachments is what the tenant knows about attachments besides their rows.
type attachments struct {
	child, root AttachmentShape
	made        []upload
	pausedUntil time.Time
}

// upload is a file that was attached.
type upload struct {
	at   time.Time
	size int
}

// SetAttachmentShape sets how one attachment is served: child below its parent, GET
// Tickets/{id}/Attachments/{id}, and root at GET TicketAttachments/{id}. Reports
// about the API disagree on both. By default both answer an item with its data.
func (s *Server) SetAttachmentShape(child, root AttachmentShape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attachments.child, s.attachments.root = child, root
}

// isAttachment reports whether rows of the entity hold files. AttachmentInfo, which
// lists those of all others, does not.
func isAttachment(e *schema.Entity) bool { return strings.HasSuffix(e.Name, "Attachment") }

// attachment answers GET of one attachment; nil is one that does not exist.
func (s *Server) attachment(c *call, r *row) answer {
	shape := s.attachments.root
	if c.collection.Parent != "" {
		shape = s.attachments.child
	}
	text := null
	switch {
	case r != nil && shape.NoData:
		text = s.renderListed(c.table.entity, r)
	case r != nil:
		text = s.render(c.table.entity, r)
	}
	switch shape.Form {
	case AttachmentBare:
		return ok(text)
	case AttachmentItems:
		items := []json.RawMessage{text}
		if r == nil {
			items = nil
		}
		return ok(object{{"items", textOfArray(items)}, {"pageDetails", pageDetails(len(items), maxRecords, null, null)}}.text())
	default:
		return okWith("item", text)
	}
}

// checkAttachment refuses a new attachment that is incomplete or exceeds a limit.
func (s *Server) checkAttachment(fields object) error {
	for _, name := range attachmentRequired {
		if text := textOf(fields.get(name)); text == "null" || text == "" {
			return missing(name)
		}
	}
	kind := textOf(fields.get("attachmentType"))
	if !slices.Contains(attachmentTypes, kind) {
		return complain("Picklist value [%s] does not exist for attachmentType.%s", kind, onRecord)
	}
	data := fields.get("data")
	switch isFile := kind == fileAttachment; {
	case isFile && isNull(data):
		return missing("data")
	case !isFile && !isNull(data):
		return complain("An attachment of the type %s cannot have data.%s", kind, onRecord)
	}
	return s.admitUpload(data)
}

// admitUpload counts a file, and refuses one that is too large by itself or with
// those before it.
func (s *Server) admitUpload(data json.RawMessage) error {
	a, now := &s.attachments, s.now()
	if now.Before(a.pausedUntil) {
		return complain("No attachments can be created at the moment: more than %d bytes were attached in %.0f minutes.", maxAttachments, attachmentsWithin.Minutes())
	}
	file, err := contentOf(data)
	switch {
	case err != nil:
		return complain("The data of the attachment is not base64.%s", onRecord)
	case len(file) > maxAttachment:
		return complain("The attachment has %d bytes, more than the limit of %d.%s", len(file), maxAttachment, onRecord)
	}
	a.made = slices.DeleteFunc(a.made, func(u upload) bool { return now.Sub(u.at) >= attachmentsWithin })
	sum := len(file)
	for _, u := range a.made {
		sum += u.size
	}
	if sum > maxAttachments {
		a.pausedUntil = now.Add(attachmentsPause)
		return complain("More than %d bytes would have been attached in %.0f minutes. No attachments can be created for %.0f minutes.",
			maxAttachments, attachmentsWithin.Minutes(), attachmentsPause.Minutes())
	}
	a.made = append(a.made, upload{now, len(file)})
	return nil
}

// forgetLast uncounts the file that was admitted last but not stored.
func (a *attachments) forgetLast() { a.made = a.made[:len(a.made)-1] }

// contentOf decodes the base64 in a JSON string; it returns nil for null.
func contentOf(data json.RawMessage) ([]byte, error) {
	if isNull(data) {
		return nil, nil
	}
	return base64.StdEncoding.DecodeString(textOf(data))
}

// stampAttachment sets what the server knows about a new attachment.
func (s *Server) stampAttachment(st stamper, actor int64) {
	st.set(s.stamp(), "attachDate")
	st.set(integer(1), "creatorType")
	if isNull(st.fields.get("attachedByContactID")) {
		st.set(integer(actor), "attachedByResourceID")
	}
	for _, c := range st.entity.Collections() {
		if c.ParentField != "" {
			st.set(st.fields.get(c.ParentField), "parentID")
		}
	}
	if file, err := contentOf(st.fields.get("data")); err == nil && !isNull(st.fields.get("data")) {
		st.set(integer(int64(len(file))), "fileSize")
		st.set(encode(http.DetectContentType(file)), "contentType")
	}
}

// plausibleAttachment is a value for a field that a new attachment must have.
func plausibleAttachment(f *schema.Field, fields object) json.RawMessage {
	switch f.Name {
	case "attachmentType":
		return encode(fileAttachment)
	case "fullPath", "title":
		return encode("attachment.txt")
	case "publish":
		return integer(1)
	case "data":
		if kind := textOf(fields.get("attachmentType")); kind == fileAttachment {
			return encode([]byte("Attachment " + textOf(fields.get("id"))))
		}
	}
	return null
}
