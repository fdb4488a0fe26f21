package main

import "time"

// ticketOf has all 75 fields of a ticket, and its user-defined fields.
type ticketOf[Int, Text, Number, Flag, Time any] struct {
	ID                                        Int           `json:"id"`
	APIVendorID                               Int           `json:"apiVendorID"`
	AssignedResourceID                        Int           `json:"assignedResourceID"`
	AssignedResourceRoleID                    Int           `json:"assignedResourceRoleID"`
	BillingCodeID                             Int           `json:"billingCodeID"`
	ChangeApprovalBoard                       Int           `json:"changeApprovalBoard"`
	ChangeApprovalStatus                      Int           `json:"changeApprovalStatus"`
	ChangeApprovalType                        Int           `json:"changeApprovalType"`
	ChangeInfoField1                          Text          `json:"changeInfoField1"`
	ChangeInfoField2                          Text          `json:"changeInfoField2"`
	ChangeInfoField3                          Text          `json:"changeInfoField3"`
	ChangeInfoField4                          Text          `json:"changeInfoField4"`
	ChangeInfoField5                          Text          `json:"changeInfoField5"`
	CompanyID                                 Int           `json:"companyID"`
	CompanyLocationID                         Int           `json:"companyLocationID"`
	CompletedByResourceID                     Int           `json:"completedByResourceID"`
	CompletedDate                             Time          `json:"completedDate"`
	ConfigurationItemID                       Int           `json:"configurationItemID"`
	ContactID                                 Int           `json:"contactID"`
	ContractID                                Int           `json:"contractID"`
	ContractServiceBundleID                   Int           `json:"contractServiceBundleID"`
	ContractServiceID                         Int           `json:"contractServiceID"`
	CreateDate                                Time          `json:"createDate"`
	CreatedByContactID                        Int           `json:"createdByContactID"`
	CreatorResourceID                         Int           `json:"creatorResourceID"`
	CreatorType                               Int           `json:"creatorType"`
	CurrentServiceThermometerRating           Int           `json:"currentServiceThermometerRating"`
	Description                               Text          `json:"description"`
	DueDateTime                               Time          `json:"dueDateTime"`
	EstimatedHours                            Number        `json:"estimatedHours"`
	ExternalID                                Text          `json:"externalID"`
	FirstResponseAssignedResourceID           Int           `json:"firstResponseAssignedResourceID"`
	FirstResponseDateTime                     Time          `json:"firstResponseDateTime"`
	FirstResponseDueDateTime                  Time          `json:"firstResponseDueDateTime"`
	FirstResponseInitiatingResourceID         Int           `json:"firstResponseInitiatingResourceID"`
	HoursToBeScheduled                        Number        `json:"hoursToBeScheduled"`
	ImpersonatorCreatorResourceID             Int           `json:"impersonatorCreatorResourceID"`
	IsAssignedToComanaged                     Flag          `json:"isAssignedToComanaged"`
	IssueType                                 Int           `json:"issueType"`
	IsVisibleToComanaged                      Flag          `json:"isVisibleToComanaged"`
	LastActivityDate                          Time          `json:"lastActivityDate"`
	LastActivityPersonType                    Int           `json:"lastActivityPersonType"`
	LastActivityResourceID                    Int           `json:"lastActivityResourceID"`
	LastCustomerNotificationDateTime          Time          `json:"lastCustomerNotificationDateTime"`
	LastCustomerVisibleActivityDateTime       Time          `json:"lastCustomerVisibleActivityDateTime"`
	LastTrackedModificationDateTime           Time          `json:"lastTrackedModificationDateTime"`
	MonitorID                                 Int           `json:"monitorID"`
	MonitorTypeID                             Int           `json:"monitorTypeID"`
	OpportunityID                             Int           `json:"opportunityID"`
	OrganizationalLevelAssociationID          Int           `json:"organizationalLevelAssociationID"`
	PreviousServiceThermometerRating          Int           `json:"previousServiceThermometerRating"`
	Priority                                  Int           `json:"priority"`
	ProblemTicketID                           Int           `json:"problemTicketId"`
	ProjectID                                 Int           `json:"projectID"`
	PurchaseOrderNumber                       Text          `json:"purchaseOrderNumber"`
	QueueID                                   Int           `json:"queueID"`
	Resolution                                Text          `json:"resolution"`
	ResolutionPlanDateTime                    Time          `json:"resolutionPlanDateTime"`
	ResolutionPlanDueDateTime                 Time          `json:"resolutionPlanDueDateTime"`
	ResolvedDateTime                          Time          `json:"resolvedDateTime"`
	ResolvedDueDateTime                       Time          `json:"resolvedDueDateTime"`
	RMAStatus                                 Int           `json:"rmaStatus"`
	RMAType                                   Int           `json:"rmaType"`
	RMMAlertID                                Text          `json:"rmmAlertID"`
	ServiceLevelAgreementHasBeenMet           Flag          `json:"serviceLevelAgreementHasBeenMet"`
	ServiceLevelAgreementID                   Int           `json:"serviceLevelAgreementID"`
	ServiceLevelAgreementPausedNextEventHours Number        `json:"serviceLevelAgreementPausedNextEventHours"`
	ServiceThermometerTemperature             Int           `json:"serviceThermometerTemperature"`
	Source                                    Int           `json:"source"`
	Status                                    Int           `json:"status"`
	SubIssueType                              Int           `json:"subIssueType"`
	TicketCategory                            Int           `json:"ticketCategory"`
	TicketNumber                              Text          `json:"ticketNumber"`
	TicketType                                Int           `json:"ticketType"`
	Title                                     Text          `json:"title"`
	UserDefinedFields                         []udfOf[Text] `json:"userDefinedFields"`
}

// udfOf is a user-defined field.
type udfOf[Text any] struct {
	Name  string `json:"name"`
	Value Text   `json:"value"`
}

type (
	// plainTicket tells null from 0 and "", as a program that writes tickets whole
	// must.
	plainTicket = ticketOf[*int64, *string, *float64, *bool, *time.Time]
	plainUDF    = udfOf[*string]
	// valueTicket does not: it is what a program takes that only reads.
	valueTicket = ticketOf[int64, string, float64, bool, time.Time]
)
