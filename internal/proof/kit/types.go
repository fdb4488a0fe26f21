package kit

import "github.com/autotask-go/autotask"

// Company is an entity of a caller's own, with as much as the caller needs.
type Company struct {
	ID                int64                     `json:"id,omitzero"`
	CompanyName       autotask.Optional[string] `json:"companyName,omitzero"`
	Phone             autotask.Optional[string] `json:"phone,omitzero"`
	UserDefinedFields autotask.UDFs             `json:"userDefinedFields,omitzero"`
}

// Collection implements [autotask.Entity].
func (Company) Collection() string { return "Companies" }

// CanGet says so.
func (Company) CanGet() {}

// CanQuery says so.
func (Company) CanQuery() {}

// CanUpdate says so.
func (Company) CanUpdate() {}

// CanPatch says so.
func (Company) CanPatch() {}

// Bare is a type for tickets that has no id.
type Bare struct {
	Title string `json:"title"`
}

// Collection implements [autotask.Entity].
func (Bare) Collection() string { return "Tickets" }

// CanQuery says so.
func (Bare) CanQuery() {}

// CanGet says so.
func (Bare) CanGet() {}
