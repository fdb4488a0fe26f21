package changes

import (
	"regexp"
	"slices"
	"strings"

	"github.com/autotask-go/autotask"
)

// cursorTable names the collections whose changes can be asked for by time, and
// the fields that tell the time: those that move with a change, and behind them
// the one that holds the creation time, for rows that never changed. Collections
// with a single creation field, and logs, have rows that are never changed.
// A collection that is not here has no cursor: it is read as a whole.
//
// The fields of Tickets, TicketNotes, TimeEntries, Tasks, Projects, Phases,
// Companies and Contacts are those of Autotask's best practices and of recorded
// syncs, the others those of its Swagger. Open checks none of them: a run does,
// against what the tenant says can be queried.
const cursorTable = `
	Appointments updateDateTime createDateTime
	ArticleNotes lastModifiedDateTime createdDateTime
	ArticleTagAssociations createDateTime
	AttachmentInfo attachDate
	Companies lastTrackedModifiedDateTime lastActivityDate createDate
	CompanyNotes lastModifiedDate createDateTime
	CompanyToDos lastModifiedDate createDateTime
	ConfigurationItemDnsRecords createDateTime
	ConfigurationItemNotes lastActivityDate createDateTime
	ConfigurationItems lastModifiedTime createDate
	Contacts lastModifiedDate lastActivityDate createDate
	ContractNotes lastActivityDate createDateTime
	Contracts lastModifiedDateTime
	Currencies lastModifiedDateTime
	DeletedTaskActivityLogs deletedDateTime
	DeletedTicketActivityLogs deletedDateTime
	DeletedTicketLogs deletedDateTime
	DocumentNotes lastModifiedDateTime createdDateTime
	DocumentTagAssociations createDateTime
	Documents lastModifiedDateTime createdDateTime
	IntegrationVendorInsights lastModifiedDateTime createDateTime
	IntegrationVendorWidgets lastModifiedDateTime createDateTime
	KnowledgeBaseArticles lastModifiedDateTime createdDateTime
	NotificationHistory notificationSentTime
	Opportunities lastActivity createDate
	Phases lastActivityDateTime createDate
	ProductNotes lastActivityDate createDateTime
	ProjectNotes lastActivityDate createDateTime
	Projects lastActivityDateTime createDateTime
	QuoteTemplates lastActivityDate createDate
	Quotes lastActivityDate createDate
	ServiceBundles lastModifiedDate createDate
	ServiceCalls lastModifiedDateTime createDateTime
	Services lastModifiedDate createDate
	Tags lastModifiedDateTime createDateTime
	TaskNotes lastActivityDate createDateTime
	Tasks lastActivityDateTime createDateTime
	TicketNotes lastActivityDate createDateTime
	Tickets lastTrackedModificationDateTime lastActivityDate createDate
	TimeEntries lastModifiedDateTime createDateTime
	TimeOffRequests lastModifiedDateTime createDateTime
	WebhookEventErrorLogs createDateTime
`

var (
	creation   = regexp.MustCompile(`(?i)^created?Date(Time)?$`)
	allCursors = parseCursors()
)

func parseCursors() map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(cursorTable) {
		if words := strings.Fields(line); len(words) > 1 {
			all[words[0]] = words[1:]
		}
	}
	return all
}

// cursorsOf returns the fields by which the changes of a collection can be asked
// for in this tenant; none if it has to be read as a whole.
func cursorsOf(collection string, fields []autotask.Field) []string {
	named := allCursors[collection]
	changing := slices.ContainsFunc(named, func(n string) bool { return !creation.MatchString(n) })
	usable := slices.DeleteFunc(slices.Clone(named), func(n string) bool {
		return !slices.ContainsFunc(fields, func(f autotask.Field) bool { return f.Queryable && strings.EqualFold(f.Name, n) })
	})
	if changing && !slices.ContainsFunc(usable, func(n string) bool { return !creation.MatchString(n) }) {
		return nil // only the creation is left, which no change moves
	}
	return usable
}

// belowParent reports whether rows of a collection are found by what they hang
// on and in no other way, so that there is no feed of them.
func belowParent(collection string) bool {
	return collection == "TicketHistory" || strings.HasSuffix(collection, "Attachments")
}

// activityLog says where the deletions of a collection's rows are logged, by the
// ticket or task that they belonged to.
type activityLog struct{ collection, field string }

var (
	ticketLog = activityLog{"DeletedTicketActivityLogs", "ticketID"}
	taskLog   = activityLog{"DeletedTaskActivityLogs", "taskID"}

	activityLogs = map[string][]activityLog{
		"TicketNotes": {ticketLog},
		"TaskNotes":   {taskLog},
		"TimeEntries": {ticketLog, taskLog},
	}
)

// isLog reports whether a collection's rows neither change nor go.
func isLog(collection string) bool {
	return strings.HasPrefix(collection, "Deleted") || collection == "NotificationHistory" || collection == "WebhookEventErrorLogs"
}
