package entity_test

import (
	"context"
	"fmt"
	"log"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

// Customer is a company with a field that the library does not know yet, and
// with few others. The methods say what can be done with it.
type Customer struct {
	ID        int64                     `json:"id,omitzero"`
	Name      autotask.Optional[string] `json:"companyName,omitzero"`
	Phone     autotask.Optional[string] `json:"phone,omitzero"`
	LoyalFrom autotask.Optional[int64]  `json:"loyalFrom,omitzero"`
}

func (Customer) Collection() string { return "Companies" }
func (Customer) CanGet()            {}
func (Customer) CanQuery()          {}
func (Customer) CanUpdate()         {}
func (Customer) CanPatch()          {} // without it, Update writes the item whole

// A type of one's own takes a collection's name and a method for each verb, and
// then goes with the same functions as the types of this package.
func Example_ownType() {
	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client()
	ctx := context.Background()
	srv.SeedRaw("Companies", []byte(`{"id": 200, "companyName": "ACME", "phone": "030 1", "loyalFrom": 1998}`))

	customer, err := autotask.Get[Customer](ctx, client, 200)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(customer.Name, customer.LoyalFrom)

	customer, err = autotask.Update(ctx, client, 200, func(c *Customer) error {
		c.Phone.Set("030 901820")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(customer.Name, customer.Phone)
	// Output:
	// ACME 1998
	// ACME 030 901820
}
