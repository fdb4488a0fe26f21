package spell

import (
	"slices"
	"strings"
)

// IsCollection reports whether a name is one of the vendor's collections, in any casing.
func IsCollection(name string) bool {
	return slices.ContainsFunc(strings.Fields(collectionNames), func(n string) bool { return strings.EqualFold(n, name) })
}

// CollectionsLike returns the collections whose names a caller may have meant:
// the plural alone, where the singular was given.
func CollectionsLike(name string) []string {
	names := strings.Fields(collectionNames)
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, plural(name)) })
	if i >= 0 {
		return names[i : i+1]
	}
	return Nearest(name, names, func(n string) string { return n })
}

func plural(name string) string {
	for _, ending := range [...][2]string{{"ay", "ays"}, {"ey", "eys"}, {"oy", "oys"}, {"y", "ies"}, {"s", "ses"}, {"x", "xes"}, {"ch", "ches"}, {"sh", "shes"}} {
		if stem, ok := strings.CutSuffix(name, ending[0]); ok {
			return stem + ending[1]
		}
	}
	return name + "s"
}

// collectionNames are the root collections of the vendor's Swagger. They are for
// messages only: a collection that is not among them may exist.
const collectionNames = `
	ActionTypes AdditionalInvoiceFieldValues Appointments ArticleAttachments
	ArticleConfigurationItemCategoryAssociations ArticleNotes ArticlePlainTextContent
	ArticleTagAssociations ArticleTicketAssociations ArticleToArticleAssociations
	ArticleToDocumentAssociations AttachmentInfo BillingCodes BillingItemApprovalLevels
	BillingItems ChangeOrderCharges ChangeRequestLinks ChecklistLibraries
	ChecklistLibraryChecklistItems ClassificationIcons ClientPortalUsers ComanagedAssociations
	Companies CompanyAlerts CompanyAttachments CompanyCategories CompanyLocations
	CompanyNoteAttachments CompanyNotes CompanySiteConfigurations CompanyTeams CompanyToDos
	CompanyWebhookExcludedResources CompanyWebhookFields CompanyWebhookUdfFields
	CompanyWebhooks ConfigurationItemAttachments ConfigurationItemBillingProductAssociations
	ConfigurationItemCategories ConfigurationItemCategoryUdfAssociations
	ConfigurationItemDnsRecords ConfigurationItemNoteAttachments ConfigurationItemNotes
	ConfigurationItemRelatedItems ConfigurationItemSslSubjectAlternativeNames
	ConfigurationItemTypes ConfigurationItemWebhookExcludedResources
	ConfigurationItemWebhookFields ConfigurationItemWebhookUdfFields ConfigurationItemWebhooks
	ConfigurationItems ContactBillingProductAssociations ContactGroupContacts ContactGroups
	ContactWebhookExcludedResources ContactWebhookFields ContactWebhookUdfFields
	ContactWebhooks Contacts ContractBillingRules ContractBlockHourFactors ContractBlocks
	ContractCharges ContractExclusionBillingCodes ContractExclusionRoles
	ContractExclusionSetExcludedRoles ContractExclusionSetExcludedWorkTypes
	ContractExclusionSets ContractMilestones ContractNoteAttachments ContractNotes
	ContractRates ContractRetainers ContractRoleCosts ContractServiceAdjustments
	ContractServiceBundleAdjustments ContractServiceBundleUnits ContractServiceBundles
	ContractServiceUnits ContractServices ContractTicketPurchases Contracts Countries
	Currencies DeletedTaskActivityLogs DeletedTicketActivityLogs DeletedTicketLogs Departments
	DocumentAttachments DocumentCategories DocumentChecklistItems DocumentChecklistLibraries
	DocumentConfigurationItemAssociations DocumentConfigurationItemCategoryAssociations
	DocumentNotes DocumentPlainTextContent DocumentTagAssociations DocumentTicketAssociations
	DocumentToArticleAssociations DocumentToDocumentAssociations Documents DomainRegistrars
	ExpenseItemAttachments ExpenseItems ExpenseReportAttachments ExpenseReports HolidaySets
	Holidays IntegrationVendorInsights IntegrationVendorWidgets
	InternalLocationWithBusinessHours InternalLocations InventoryItemSerialNumbers
	InventoryItems InventoryLocations InventoryProducts InventoryStockedItems
	InventoryStockedItemsAdd InventoryStockedItemsRemove InventoryStockedItemsTransfer
	InventoryTransfers InvoiceTemplates Invoices KnowledgeBaseArticles KnowledgeBaseCategories
	NotificationHistory Opportunities OpportunityAttachments OpportunityCategories
	OrganizationalLevel1s OrganizationalLevel2s OrganizationalLevelAssociations
	OrganizationalResources PaymentTerms Phases PriceListMaterialCodes PriceListProductTiers
	PriceListProducts PriceListRoles PriceListServiceBundles PriceListServices
	PriceListWorkTypeModifiers ProductNotes ProductTiers ProductVendors Products
	ProjectAttachments ProjectCharges ProjectNoteAttachments ProjectNotes Projects
	PurchaseApprovals PurchaseOrderItemReceiving PurchaseOrderItems PurchaseOrders QuoteItems
	QuoteLocations QuoteTemplates Quotes ResourceAttachments ResourceDailyAvailabilities
	ResourceRoleDepartments ResourceRoleQueues ResourceRoles ResourceServiceDeskRoles
	ResourceSkills ResourceTimeOffAdditional ResourceTimeOffApprovers ResourceTimeOffBalances
	Resources Roles SalesOrderAttachments SalesOrders ServiceBundleServices ServiceBundles
	ServiceCallTaskResources ServiceCallTasks ServiceCallTicketResources ServiceCallTickets
	ServiceCalls ServiceLevelAgreementResults Services ShippingTypes Skills
	SubscriptionPeriods Subscriptions SurveyResults Surveys TagAliases TagGroups Tags
	TaskAttachments TaskNoteAttachments TaskNotes TaskPredecessors TaskSecondaryResources
	Tasks TaxCategories TaxRegions Taxes TicketAdditionalConfigurationItems
	TicketAdditionalContacts TicketAttachments TicketCategories TicketCategoryFieldDefaults
	TicketChangeRequestApprovals TicketCharges TicketChecklistItems TicketChecklistLibraries
	TicketHistory TicketNoteAttachments TicketNoteWebhookExcludedResources
	TicketNoteWebhookFields TicketNoteWebhooks TicketNotes TicketRmaCredits
	TicketSecondaryResources TicketTagAssociations TicketWebhookExcludedResources
	TicketWebhookFields TicketWebhookUdfFields TicketWebhooks Tickets TimeEntries
	TimeEntryAttachments TimeOffRequests TimeOffRequestsApprove TimeOffRequestsReject
	UserDefinedFieldDefinitions UserDefinedFieldListItems WebhookEventErrorLogs
	WorkTypeModifiers
`
