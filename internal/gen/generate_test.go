package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask/internal/schema"
)

func TestTreeIsUpToDate(t *testing.T) {
	t.Parallel()
	files, err := generate()
	require.NoError(t, err)
	assert.Len(t, files, 1+len(schema.Entities())-len(rootEntities)+1)
	stale, err := staleFiles(moduleRoot, files)
	require.NoError(t, err)
	assert.NoError(t, checkFiles(moduleRoot, files, stale))
}

func TestRender(t *testing.T) {
	t.Parallel()
	table := miniTable(t)
	tests := map[string]struct {
		pkg      string
		entities []string
	}{
		"kite.root.golden":         {rootPackage, []string{"Kite", "KiteTail"}},
		"kite.entity.golden":       {"entity", []string{"Kite"}},
		"kitetail.entity.golden":   {"entity", []string{"KiteTail"}},
		"childonly.entity.golden":  {"entity", []string{"KitePhoto", "KiteRepairAdd"}},
		"readonly.entity.golden":   {"entity", []string{"WindHistory"}},
		"hangarslot.entity.golden": {"entity", []string{"HangarSlot"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entities, err := pick(table.Entities, tt.entities)
			require.NoError(t, err)
			got, err := renderFile(tt.pkg, entities...)
			require.NoError(t, err)
			golden(t, name, string(got))
		})
	}
}

// hangars has the routes that are rare: a parent whose id no field holds, and
// rows that only their parent lists.
const hangars = `
entity HangarBalance
	id int64 readonly
	shedID int64
	euros number
entity HangarPlan
	id int64 readonly
	text string
entity HangarTally
	id int64 readonly
	planes int32

collection Hangars/Balances HangarBalance parent=shedID: list
collection HangarBalances HangarBalance: info fields
collection Hangars/Plans HangarPlan: get list patch
collection HangarPlans HangarPlan: query get
collection Hangars/Tallies HangarTally: list patch
collection HangarTallies HangarTally: info
`

func TestRenderRareRoutes(t *testing.T) {
	t.Parallel()
	table, err := schema.Parse(hangars)
	require.NoError(t, err)
	for name, entity := range map[string]string{
		"unknownparent.entity.golden": "HangarPlan",
		"listonly.entity.golden":      "HangarBalance",
		"listpatch.entity.golden":     "HangarTally",
	} {
		entities, err := pick(table.Entities, []string{entity})
		require.NoError(t, err)
		got, err := renderFile(entityPackage, entities...)
		require.NoError(t, err)
		golden(t, name, string(got))
	}
}

func TestRenderWalk(t *testing.T) {
	t.Parallel()
	table, err := schema.Parse(hangars + `
entity Ticket
	id int64 readonly
collection Tickets Ticket: query count get create put
entity WindHistory
	id int64 readonly
collection WindHistory WindHistory: info
`)
	require.NoError(t, err)
	got, err := renderWalk(table.Entities)
	require.NoError(t, err)
	golden(t, "walk.golden", string(got))
}

func TestRenderWalkRefuses(t *testing.T) {
	t.Parallel()
	_, err := renderWalk([]*schema.Entity{{Name: "Kite-Tail]"}})
	require.ErrorContains(t, err, "generated code does not parse")
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pkg    string
		entity string // as in the table
		routes string
		want   string
	}{
		"field called like a method": {
			"entity", "entity Kite\n\tcollection string", "collection Kites Kite: query",
			"Kite: method Collection and field collection are both Collection in Go",
		},
		"field that makes no Go name": {
			"entity", "entity Kite\n\tspan-metres number", "",
			`Kite: "span-metres" makes no Go name`,
		},
		"parent's id without a Go name": {
			"entity", "entity Kite\n\tshed-id int64", "collection Sheds/Kites Kite parent=shed-id: create",
			`Kite: "shed-id" makes no Go name`,
		},
		"field called like the parent's id that has none": {
			"entity", "entity Kite\n\tparentID int64", "collection Sheds/Kites Kite: create",
			"Kite: field parentID and field ParentID are both ParentID in Go",
		},
		"plain field not required": {
			rootPackage, "entity Ticket\n\tcompanyID int32", "collection Tickets Ticket: query",
			"Ticket: companyID is to be plain, but is not a required field",
		},
		"plain field missing": {
			rootPackage, "entity TicketNote\n\tid int64", "",
			"TicketNote: description is to be plain, but is not a required field",
		},
		"entity that is no Go name": {
			"entity", "entity Kite-Tail", "",
			"generated code does not parse",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := schema.Parse(tt.entity + "\n" + tt.routes)
			require.NoError(t, err)
			_, err = renderFile(tt.pkg, table.Entities...)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// A table refuses fields that differ in casing only, so this one is built by
// hand: the renderer must not count on that.
func TestRenderRefusesFieldsOfOneGoName(t *testing.T) {
	t.Parallel()
	e := &schema.Entity{Name: "Kite", Fields: []*schema.Field{
		{Name: "guyLineId", Kind: schema.Integer, Bits: 64},
		{Name: "guyLineID", Kind: schema.Integer, Bits: 32},
	}}
	_, err := renderFile("entity", e)
	require.EqualError(t, err, "Kite: field guyLineId and field guyLineID are both GuyLineID in Go")
}

func TestPickRefusesUnknownEntity(t *testing.T) {
	t.Parallel()
	_, err := pick(miniTable(t).Entities, []string{"Kite", "Ship"})
	require.EqualError(t, err, "the table has no entity Ship")
}

func TestGoName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"id":                             "ID",
		"apiVendorID":                    "APIVendorID",
		"problemTicketId":                "ProblemTicketID",
		"rmaStatus":                      "RMAStatus",
		"rmmAlertID":                     "RMMAlertID",
		"rmmDeviceAuditIPAddress":        "RMMDeviceAuditIPAddress",
		"rmmDeviceUrl":                   "RMMDeviceURL",
		"externalID":                     "ExternalID",
		"externalPONumber":               "ExternalPONumber",
		"crmToProjectUdfId":              "CRMToProjectUDFID",
		"dattoNICSpeedKilobitsPerSecond": "DattoNICSpeedKilobitsPerSecond",
		"dattoZFSVersionID":              "DattoZFSVersionID",
		"sicCode":                        "SICCode",
		"msrp":                           "MSRP",
		"sku":                            "SKU",
		"url":                            "URL",
		"webhookGUID":                    "WebhookGUID",
		"changeInfoField1":               "ChangeInfoField1",
		"address1":                       "Address1",
		"idle":                           "Idle",
		"isIdentical":                    "IsIdentical",
	} {
		got, err := goName(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, got)
	}
	for _, name := range []string{"", "1st", "span metres", "größe"} {
		_, err := goName(name)
		assert.Error(t, err, name)
	}
}
