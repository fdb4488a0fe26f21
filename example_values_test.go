package autotask_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
	"github.com/autotask-go/autotask/entity"
)

func ExampleDayOf() {
	amsterdam := time.FixedZone("CET", 60*60)
	newYearsEve := time.Date(2026, time.December, 31, 0, 0, 0, 0, amsterdam)
	fmt.Println(newYearsEve.UTC().Format(time.DateTime))
	fmt.Println(autotask.DayOf(newYearsEve).Format(time.DateTime))
	// Output:
	// 2026-12-30 23:00:00
	// 2026-12-31 00:00:00
}

func ExampleOne() {
	srv := autotasktest.Start()
	defer srv.Close()
	srv.Seed("Companies", map[string]any{"companyName": "Acme"})
	srv.Seed("Companies", map[string]any{"companyName": "Globex"})
	srv.Seed("Companies", map[string]any{"companyName": "Globex"})
	for _, name := range []string{"Acme", "Globex", "Initech"} {
		company, err := autotask.One[entity.Company](context.Background(), srv.Client(), autotask.Query{
			Filter: autotask.Eq("companyName", name),
		})
		var ambiguous *autotask.AmbiguousError
		switch {
		case errors.As(err, &ambiguous):
			fmt.Println(len(ambiguous.Candidates), "companies are called", name)
		case errors.Is(err, autotask.ErrNotFound):
			fmt.Println("no company is called", name)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("found", company.CompanyName)
		}
	}
	// Output:
	// found Acme
	// 2 companies are called Globex
	// no company is called Initech
}

func ExampleUDFsOf() {
	company := entity.Company{ID: 7, CompanyName: autotask.Value("Acme")}
	for _, item := range []autotask.Entity{&company, &autotask.Ticket{ID: 9}} {
		udfs := autotask.UDFsOf(item)
		udfs.Set("Tier", autotask.Value("Gold"))
		fmt.Println(item.Collection(), autotask.ID(item), udfs.Get("tier"))
	}
	// Output:
	// Companies 7 Gold
	// Tickets 9 Gold
}

func ExampleMaxLength() {
	fmt.Println(autotask.MaxLength(autotask.Ticket{}, "title"), autotask.MaxLength(entity.Company{}, "companyName"))
	// Output: 255 100
}
