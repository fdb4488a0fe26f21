package alert

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/entity"
)

// FindCompany returns the id of the active company that who identifies: by its name,
// by the domain of its web address, or by the mail address of one of its contacts.
// Matching is case-insensitive. If who contains an @, it is a mail address; if no
// contact has it, its domain is used.
//
// If there is none, the error is autotask.ErrNotFound. If several match, it is an
// *autotask.AmbiguousError that names them, since an alert in the wrong company shows
// one customer's trouble to another.
//
// It sends one to three requests and caches nothing, so keep the id.
func FindCompany(ctx context.Context, client *autotask.Client, who string) (int64, error) {
	who = strings.TrimSpace(who)
	if who == "" {
		return 0, invalid([]string{"the company's name is empty"})
	}
	ways := []func(context.Context, *autotask.Client, string) ([]autotask.Candidate, error){byName, byDomain}
	if strings.Contains(who, "@") {
		ways = []func(context.Context, *autotask.Client, string) ([]autotask.Candidate, error){byContact, byDomain}
	}
	for _, find := range ways {
		companies, err := find(ctx, client, who)
		switch {
		case err != nil:
			return 0, fmt.Errorf("alert: looking for the company %q: %w", cut(who, 80), err)
		case len(companies) == 1:
			return companies[0].ID, nil
		case len(companies) > 1:
			return 0, &autotask.AmbiguousError{What: "company", Name: who, Candidates: companies}
		}
	}
	return 0, fmt.Errorf("alert: %w: no active company has the name, the domain or a contact with the mail address %q", autotask.ErrNotFound, cut(who, 80))
}

func byName(ctx context.Context, client *autotask.Client, who string) ([]autotask.Candidate, error) {
	return companies(ctx, client, autotask.Eq("companyName", who), func(c *entity.Company) bool {
		return strings.EqualFold(strings.TrimSpace(c.CompanyName.Or("")), who)
	})
}

// byContact compares all three mail addresses of a contact.
func byContact(ctx context.Context, client *autotask.Client, who string) ([]autotask.Candidate, error) {
	contacts, err := autotask.List[entity.Contact](ctx, client, autotask.Query{
		Filter: autotask.Or(autotask.Eq("emailAddress", who), autotask.Eq("emailAddress2", who), autotask.Eq("emailAddress3", who)),
		Fields: []string{"companyID", "emailAddress", "emailAddress2", "emailAddress3", "isActive"},
	})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, c := range contacts {
		id, ok := c.CompanyID.Get()
		has := strings.EqualFold(c.EmailAddress.Or(""), who) || strings.EqualFold(c.EmailAddress2.Or(""), who) || strings.EqualFold(c.EmailAddress3.Or(""), who)
		if ok && has && c.IsActive.Or(1) != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return companies(ctx, client, autotask.In("id", ids), func(*entity.Company) bool { return true })
}

// byDomain compares whole host names: example.com does not match badexample.com.
func byDomain(ctx context.Context, client *autotask.Client, who string) ([]autotask.Candidate, error) {
	domain := hostOf(who[strings.LastIndexByte(who, '@')+1:])
	if !strings.Contains(domain, ".") || strings.ContainsAny(domain, " \t") {
		return nil, nil
	}
	return companies(ctx, client, autotask.Contains("webAddress", domain), func(c *entity.Company) bool {
		return hostOf(c.WebAddress.Or("")) == domain
	})
}

func companies(ctx context.Context, client *autotask.Client, filter autotask.Filter, is func(*entity.Company) bool) (found []autotask.Candidate, err error) {
	all, err := autotask.List[entity.Company](ctx, client, autotask.Query{
		Filter: filter, Fields: []string{"companyName", "webAddress", "isActive"},
	})
	for _, c := range all {
		if c.IsActive.Or(true) && is(c) {
			found = append(found, autotask.Candidate{ID: c.ID, Label: c.CompanyName.Or("")})
		}
	}
	return found, err
}

// hostOf returns the host of a web address, normalised.
func hostOf(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if !strings.Contains(address, "//") {
		address = "//" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(u.Hostname(), "www."), ".")
}
