package entity_test

import (
	"context"
	"fmt"
	"log"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

// Update sends the changed field only, and reads it back.
func Example_update() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	id := srv.Seed("Companies", map[string]any{"companyName": "ACME", "phone": "030 1", "fax": "030 2"})

	company, err := autotask.Update(context.Background(), client, id, func(c *entity.Company) error {
		c.Phone.Set("030 901820")
		c.Fax.SetNull()
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(company.CompanyName, company.Phone, company.Fax.IsNull())
	for _, r := range srv.Requests() {
		fmt.Println(r.Op)
	}
	// Output:
	// ACME 030 901820 true
	// GET Companies
	// PATCH Companies
	// GET Companies
}

// A contact is written through its company, whose id must be in it.
func Example_child() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	company := srv.Seed("Companies", map[string]any{"companyName": "ACME"})

	id, err := autotask.Create(ctx, client, &entity.Contact{
		CompanyID: autotask.Int(company),
		FirstName: autotask.Value("Ada"),
		LastName:  autotask.Value("Lovelace"),
		IsActive:  autotask.Int(1),
	})
	if err != nil {
		log.Fatal(err)
	}
	contact, err := autotask.Get[entity.Contact](ctx, client, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.FirstName, contact.LastName)
	for _, r := range srv.Requests() {
		fmt.Println(r.Op)
	}
	// Output:
	// Ada Lovelace
	// POST Companies/Contacts
	// GET Contacts
}

// Reading only the fields that are wanted makes long lists faster.
func Example_search() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	for _, name := range []string{"ACME Rockets", "Bolt Ltd", "Pacmedia AG"} {
		srv.Seed("Companies", map[string]any{"companyName": name})
	}

	q := autotask.Query{
		Filter: autotask.Contains("companyName", "acme"),
		Fields: []string{"companyName"},
	}
	for company, err := range autotask.All[entity.Company](context.Background(), client, q) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(company.CompanyName)
	}
	// Output:
	// ACME Rockets
	// Pacmedia AG
}

// Some rows can be read through their parent only.
func Example_listOf() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	person := srv.Seed("Resources", map[string]any{"firstName": "Ada"})
	srv.Seed("ResourceTimeOffBalances", map[string]any{"resourceID": person, "year": 2026})

	balances, err := autotask.ListChildren[entity.ResourceTimeOffBalance](context.Background(), client, person)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(balances), balances[0].Year)
	// Output: 1 2026
}
