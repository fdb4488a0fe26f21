package autotasktest_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/internal/schema"
)

// file returns the body that attaches a file of that many bytes.
func file(size int) string {
	data := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", size)))
	return `{"id":0,"attachmentType":"FILE_ATTACHMENT","fullPath":"a.txt","title":"a.txt","publish":1,"data":"` + data + `"}`
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		x.at(noon)
		ticket := x.Seed("Tickets", nil)
		other := x.Seed("Tickets", nil)
		attachments := path("Tickets/%d/Attachments", ticket)
		id := x.post(attachments, file(5)).itemID()

		want := map[string]any{
			"data": "eHh4eHg=", "title": "a.txt", "contentType": "text/plain; charset=utf-8", "attachDate": "2026-11-23T12:00:00.12Z",
		}
		for _, at := range []string{attachments, "TicketAttachments"} {
			item := x.item(path("%s/%d", at, id))
			for name, value := range want {
				assert.Equal(t, value, item[name], name)
			}
			for name, number := range map[string]int64{
				"fileSize": 5, "ticketID": ticket, "parentID": ticket, "attachedByResourceID": autotasktest.APIUserID, "publish": 1,
			} {
				assert.Equal(t, number, toID(t, item[name]), name)
			}
		}

		// Lists have everything but the file.
		for _, a := range []answer{
			x.get(attachments),
			x.post("TicketAttachments/query", path(`{"filter":[{"op":"eq","field":"ticketID","value":%d}]}`, ticket)),
			x.post("TicketAttachments/query", path(`{"IncludeFields":["id","title","data"],"filter":[{"op":"and","items":[{"op":"in","field":"PARENTID","value":[%d]}]}]}`, ticket)),
		} {
			require.Equal(t, []int64{id}, a.ok().ids())
			item := a.items()[0]
			assert.Contains(t, item, "data")
			assert.Nil(t, item["data"])
			assert.Equal(t, "a.txt", item["title"])
		}
		assert.Empty(t, x.get(path("Tickets/%d/Attachments", other)).ok().ids())
		assert.JSONEq(t, `{"item":null}`, x.get(path("Tickets/%d/Attachments/%d", other, id)).ok().body)

		for filter, says := range map[string]string{
			`[{"op":"exist","field":"id"}]`:                                                          "must contain the id of a parent object",
			`[{"op":"gt","field":"ticketID","value":0}]`:                                             "must contain the id of a parent object",
			`[{"op":"or","items":[{"op":"eq","field":"ticketID","value":1}]}]`:                       "must contain the id of a parent object",
			`[{"op":"eq","field":"ticketID","value":1},{"op":"gt","field":"fileSize","value":1}]`:    "fileSize of the TicketAttachment Entity cannot be queried",
			`[{"op":"eq","field":"ticketID","value":1},{"op":"eq","field":"creatorType","value":1}]`: "creatorType",
			`[{"op":"eq","field":"ticketID","value":1},{"op":"exist","field":"data"}]`:               "data",
		} {
			x.post("TicketAttachments/query", `{"filter":`+filter+`}`).refused(says)
			x.post("TicketAttachments/query/count", `{"filter":`+filter+`}`).refused(says)
		}
		assert.Equal(t, false, x.fields("TicketAttachments")["data"]["isQueryable"])

		assert.Equal(t, id, x.do("DELETE", path("%s/%d", attachments, id), "").itemID())
		assert.Empty(t, x.Rows("TicketAttachments"))
	})
}

func TestAttachmentsThatAreRefused(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	attachments := path("Tickets/%d/Attachments", x.Seed("Tickets", nil))
	for body, says := range map[string]string{
		`{"attachmentType":"FILE_ATTACHMENT","fullPath":"a","publish":1,"data":""}`:                            "Missing Required Field: title",
		`{"attachmentType":"FILE_ATTACHMENT","fullPath":"a","title":"a","data":""}`:                            "Missing Required Field: publish",
		`{"attachmentType":"FILE_ATTACHMENT","title":"a","publish":1,"data":""}`:                               "Missing Required Field: fullPath",
		`{"fullPath":"a","title":"a","publish":1,"data":""}`:                                                   "Missing Required Field: attachmentType",
		`{"attachmentType":"FILE_ATTACHMENT","fullPath":"a","title":"a","publish":1}`:                          "Missing Required Field: data",
		`{"attachmentType":"FILE_ATTACHMENT","fullPath":"a","title":"a","publish":1,"data":"not base64"}`:      "not base64",
		`{"attachmentType":"PICTURE","fullPath":"a","title":"a","publish":1}`:                                  "[PICTURE] does not exist for attachmentType",
		`{"attachmentType":"URL","fullPath":"https://example.com/","title":"a","publish":1,"data":"eHh4eHg="}`: "cannot have data",
	} {
		x.post(attachments, body).refused(says)
	}
	x.post("Tickets/1/Attachments", file(1)).refused("does not exist")
	assert.Empty(t, x.Rows("TicketAttachments"))

	id := x.post(attachments, `{"attachmentType":"URL","fullPath":"https://example.com/","title":"a","publish":1}`).itemID()
	item := x.item(path("TicketAttachments/%d", id))
	assert.Nil(t, item["data"])
	assert.Nil(t, item["fileSize"])
	note := x.Seed("TicketNotes", nil)
	x.post(path("TicketNotes/%d/Attachments", note), `{"data":""}`).refused("Missing Required Field")
	x.post(path("TicketNotes/%d/Attachments", note), file(1)).ok()
}

func TestAttachmentsAreLimited(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	now := noon
	x.SetClock(func() time.Time { return now })
	attachments := path("Tickets/%d/Attachments", x.Seed("Tickets", nil))
	x.post(attachments, file(6_000_001)).refused("more than the limit of 6000000")
	x.post(attachments, file(6_000_000)).ok()
	now = now.Add(time.Minute)
	x.post(attachments, file(4_000_000)).ok()
	x.post(attachments, file(1)).refused("No attachments can be created for 5 minutes")
	now = now.Add(4*time.Minute + 30*time.Second) // the first one is forgotten, the pause is not over
	x.post(attachments, file(1)).refused("No attachments can be created at the moment")
	now = now.Add(30 * time.Second)
	x.post(attachments, file(1)).ok()
	assert.Len(t, x.get(attachments).ok().ids(), 3)
}

func TestAttachmentShapes(t *testing.T) {
	t.Parallel()
	x := newTenant(t)
	id := x.Seed("TicketAttachments", map[string]any{"data": "eHh4eHg="})
	row := x.Get("TicketAttachments", id)
	child := path("Tickets/%v/Attachments/%d", row["ticketID"], id)
	root := path("TicketAttachments/%d", id)
	nobody := path("Tickets/%v/Attachments/1", row["ticketID"])

	x.SetAttachmentShape(autotasktest.AttachmentShape{Form: autotasktest.AttachmentItems}, autotasktest.AttachmentShape{NoData: true})
	assert.Equal(t, "eHh4eHg=", x.get(child).ok().items()[0]["data"])
	assert.Equal(t, "1", text(x.get(child).pageDetails()["count"]))
	assert.Empty(t, x.get(nobody).ok().items())
	assert.Nil(t, x.item(root)["data"])
	assert.Equal(t, "attachment.txt", x.item(root)["title"])

	x.SetAttachmentShape(autotasktest.AttachmentShape{NoData: true}, autotasktest.AttachmentShape{Form: autotasktest.AttachmentBare})
	assert.Nil(t, x.item(child)["data"])
	assert.Equal(t, "eHh4eHg=", x.get(root).ok().json()["data"])
	assert.Equal(t, "null", x.get("TicketAttachments/1").ok().body)
}

func TestEveryAttachmentIsServedAlike(t *testing.T) {
	t.Parallel()
	x := newInProcessTenant(t)
	seen := 0
	for _, c := range schema.All() {
		if c.Parent == "" || c.Segment != "Attachments" {
			continue
		}
		seen++
		parent := x.Seed(c.Parent, nil)
		id := x.post(path("%s/%d/Attachments", c.Parent, parent), file(3)).itemID()
		assert.Equal(t, "eHh4", x.item(path("%s/%d/Attachments/%d", c.Parent, parent, id))["data"], c.Path)
		assert.Equal(t, "eHh4", x.item(path("%s/%d", c.Root().Path, id))["data"], c.Path)
		found := x.post(c.Root().Path+"/query", path(`{"filter":[{"op":"eq","field":"%s","value":%d}]}`, c.ParentField, parent)).ok()
		require.Equal(t, []int64{id}, found.ids(), c.Path)
		assert.Nil(t, found.items()[0]["data"])
	}
	assert.Equal(t, 19, seen)
}

// What was never kept is not counted.
func TestIgnoredUploadIsNotCounted(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, x *tenant) {
		attachments := path("Tickets/%d/Attachments", x.Seed("Tickets", nil))
		x.Inject(autotasktest.Fault{Op: "POST Tickets/Attachments", IgnoreWrite: true, Times: 3})
		for range 5 {
			x.post(attachments, file(4_000_000)).itemID()
		}
		assert.Len(t, x.Rows("TicketAttachments"), 2)
	})
}
