package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

func init() { register(contender{name: plain, open: openPlain}) }

// openPlain is what a competent engineer writes by hand: net/http, and one
// encoding/json decode of each answer into a struct of pointers. It looks at
// the status and at nothing else; it repeats, limits and bounds nothing but
// the time that a request takes. For an update it sends the same requests as
// this library, GET, PUT and GET, and compares the field it has set.
func openPlain(s service) operations {
	client := &http.Client{Transport: s.transport, Timeout: 2 * time.Minute}
	send := func(ctx context.Context, method, url string, body, answer any) error {
		var r io.Reader
		if body != nil {
			b, err := json.Marshal(body)
			if err != nil {
				return err
			}
			r = bytes.NewReader(b)
		}
		req, err := http.NewRequestWithContext(ctx, method, url, r)
		if err != nil {
			return err
		}
		sign(req)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, url, resp.Status)
		}
		return json.NewDecoder(resp.Body).Decode(answer)
	}
	get := func(ctx context.Context, path string) (*plainTicket, error) {
		var answer struct {
			Item *plainTicket `json:"item"`
		}
		if err := send(ctx, http.MethodGet, s.baseURL+path, nil, &answer); err != nil {
			return nil, err
		}
		if answer.Item == nil {
			return nil, fmt.Errorf("%s: not found", path)
		}
		return answer.Item, nil
	}
	page := func(ctx context.Context, url string) (items []*plainTicket, next string, err error) {
		var answer struct {
			Items       []*plainTicket `json:"items"`
			PageDetails struct {
				NextPageURL *string `json:"nextPageUrl"`
			} `json:"pageDetails"`
		}
		if err := send(ctx, http.MethodPost, url, json.RawMessage(queryBody), &answer); err != nil {
			return nil, "", err
		}
		if answer.PageDetails.NextPageURL != nil {
			next = *answer.PageDetails.NextPageURL
		}
		return answer.Items, next, nil
	}
	type itemID struct {
		ItemID int64 `json:"itemId"`
	}
	return operations{
		get: func(ctx context.Context) (int64, error) {
			t, err := get(ctx, ticketPath)
			if err != nil {
				return 0, err
			}
			return *t.ID, nil
		},
		list500: func(ctx context.Context) (int64, error) {
			items, _, err := page(ctx, s.baseURL+queryPath)
			return int64(len(items)), err
		},
		all20x500: func(ctx context.Context) (int64, error) {
			var n int64
			for next := s.baseURL + queryPath; next != ""; {
				items, following, err := page(ctx, next)
				if err != nil {
					return n, err
				}
				n += int64(len(items))
				next = following
			}
			return n, nil
		},
		note: func(ctx context.Context) (int64, error) {
			var answer itemID
			err := send(ctx, http.MethodPost, s.baseURL+ticketPath+notesPath, &sampleNote, &answer)
			return answer.ItemID, err
		},
		update: func(ctx context.Context) (int64, error) {
			t, err := get(ctx, editedPath)
			if err != nil {
				return 0, err
			}
			resolution := newResolution
			t.Resolution = &resolution
			var answer itemID
			if err := send(ctx, http.MethodPut, s.baseURL+ticketsPath, t, &answer); err != nil {
				return 0, err
			}
			if t, err = get(ctx, editedPath); err != nil {
				return 0, err
			}
			if t.Resolution == nil || *t.Resolution != newResolution {
				return 0, fmt.Errorf("the resolution is %v", t.Resolution)
			}
			return *t.ID, nil
		},
	}
}

// sign sets the headers that every request has.
func sign(req *http.Request) {
	req.Header.Set("UserName", userName)
	req.Header.Set("Secret", secret)
	req.Header.Set("ApiIntegrationCode", integrationCode)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "bench")
	if req.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
}

// plainNote is a new note, as it is sent.
type plainNote struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	NoteType    int64  `json:"noteType"`
	Publish     int64  `json:"publish"`
	TicketID    int64  `json:"ticketID"`
}

// plainTicket has all 75 fields of a ticket.
type plainTicket struct {
	ID                                        *int64     `json:"id"`
	APIVendorID                               *int64     `json:"apiVendorID"`
	AssignedResourceID                        *int64     `json:"assignedResourceID"`
	AssignedResourceRoleID                    *int64     `json:"assignedResourceRoleID"`
	BillingCodeID                             *int64     `json:"billingCodeID"`
	ChangeApprovalBoard                       *int64     `json:"changeApprovalBoard"`
	ChangeApprovalStatus                      *int64     `json:"changeApprovalStatus"`
	ChangeApprovalType                        *int64     `json:"changeApprovalType"`
	ChangeInfoField1                          *string    `json:"changeInfoField1"`
	ChangeInfoField2                          *string    `json:"changeInfoField2"`
	ChangeInfoField3                          *string    `json:"changeInfoField3"`
	ChangeInfoField4                          *string    `json:"changeInfoField4"`
	ChangeInfoField5                          *string    `json:"changeInfoField5"`
	CompanyID                                 *int64     `json:"companyID"`
	CompanyLocationID                         *int64     `json:"companyLocationID"`
	CompletedByResourceID                     *int64     `json:"completedByResourceID"`
	CompletedDate                             *time.Time `json:"completedDate"`
	ConfigurationItemID                       *int64     `json:"configurationItemID"`
	ContactID                                 *int64     `json:"contactID"`
	ContractID                                *int64     `json:"contractID"`
	ContractServiceBundleID                   *int64     `json:"contractServiceBundleID"`
	ContractServiceID                         *int64     `json:"contractServiceID"`
	CreateDate                                *time.Time `json:"createDate"`
	CreatedByContactID                        *int64     `json:"createdByContactID"`
	CreatorResourceID                         *int64     `json:"creatorResourceID"`
	CreatorType                               *int64     `json:"creatorType"`
	CurrentServiceThermometerRating           *int64     `json:"currentServiceThermometerRating"`
	Description                               *string    `json:"description"`
	DueDateTime                               *time.Time `json:"dueDateTime"`
	EstimatedHours                            *float64   `json:"estimatedHours"`
	ExternalID                                *string    `json:"externalID"`
	FirstResponseAssignedResourceID           *int64     `json:"firstResponseAssignedResourceID"`
	FirstResponseDateTime                     *time.Time `json:"firstResponseDateTime"`
	FirstResponseDueDateTime                  *time.Time `json:"firstResponseDueDateTime"`
	FirstResponseInitiatingResourceID         *int64     `json:"firstResponseInitiatingResourceID"`
	HoursToBeScheduled                        *float64   `json:"hoursToBeScheduled"`
	ImpersonatorCreatorResourceID             *int64     `json:"impersonatorCreatorResourceID"`
	IsAssignedToComanaged                     *bool      `json:"isAssignedToComanaged"`
	IssueType                                 *int64     `json:"issueType"`
	IsVisibleToComanaged                      *bool      `json:"isVisibleToComanaged"`
	LastActivityDate                          *time.Time `json:"lastActivityDate"`
	LastActivityPersonType                    *int64     `json:"lastActivityPersonType"`
	LastActivityResourceID                    *int64     `json:"lastActivityResourceID"`
	LastCustomerNotificationDateTime          *time.Time `json:"lastCustomerNotificationDateTime"`
	LastCustomerVisibleActivityDateTime       *time.Time `json:"lastCustomerVisibleActivityDateTime"`
	LastTrackedModificationDateTime           *time.Time `json:"lastTrackedModificationDateTime"`
	MonitorID                                 *int64     `json:"monitorID"`
	MonitorTypeID                             *int64     `json:"monitorTypeID"`
	OpportunityID                             *int64     `json:"opportunityID"`
	OrganizationalLevelAssociationID          *int64     `json:"organizationalLevelAssociationID"`
	PreviousServiceThermometerRating          *int64     `json:"previousServiceThermometerRating"`
	Priority                                  *int64     `json:"priority"`
	ProblemTicketID                           *int64     `json:"problemTicketId"`
	ProjectID                                 *int64     `json:"projectID"`
	PurchaseOrderNumber                       *string    `json:"purchaseOrderNumber"`
	QueueID                                   *int64     `json:"queueID"`
	Resolution                                *string    `json:"resolution"`
	ResolutionPlanDateTime                    *time.Time `json:"resolutionPlanDateTime"`
	ResolutionPlanDueDateTime                 *time.Time `json:"resolutionPlanDueDateTime"`
	ResolvedDateTime                          *time.Time `json:"resolvedDateTime"`
	ResolvedDueDateTime                       *time.Time `json:"resolvedDueDateTime"`
	RMAStatus                                 *int64     `json:"rmaStatus"`
	RMAType                                   *int64     `json:"rmaType"`
	RMMAlertID                                *string    `json:"rmmAlertID"`
	ServiceLevelAgreementHasBeenMet           *bool      `json:"serviceLevelAgreementHasBeenMet"`
	ServiceLevelAgreementID                   *int64     `json:"serviceLevelAgreementID"`
	ServiceLevelAgreementPausedNextEventHours *float64   `json:"serviceLevelAgreementPausedNextEventHours"`
	ServiceThermometerTemperature             *int64     `json:"serviceThermometerTemperature"`
	Source                                    *int64     `json:"source"`
	Status                                    *int64     `json:"status"`
	SubIssueType                              *int64     `json:"subIssueType"`
	TicketCategory                            *int64     `json:"ticketCategory"`
	TicketNumber                              *string    `json:"ticketNumber"`
	TicketType                                *int64     `json:"ticketType"`
	Title                                     *string    `json:"title"`
	UserDefinedFields                         []plainUDF `json:"userDefinedFields"`
}

// plainUDF is a user-defined field.
type plainUDF struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
}
