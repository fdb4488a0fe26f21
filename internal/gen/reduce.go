package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// reduceFiles returns the table, in its text form, for the two files.
func reduceFiles(swaggerPath, factsPath string) (string, error) {
	data, err := os.ReadFile(swaggerPath)
	if err != nil {
		return "", err
	}
	facts, err := os.ReadFile(factsPath)
	if err != nil {
		return "", err
	}
	s, err := parseSwagger(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", swaggerPath, err)
	}
	table, err := reduce(s, string(facts))
	if err != nil {
		return "", err
	}
	return table.Format(), nil
}

// reduce builds the table from the Swagger, corrected by the facts.
func reduce(s *swagger, factsText string) (*schema.Table, error) {
	f, err := parseFacts(factsText)
	if err != nil {
		return nil, fmt.Errorf("facts, %w", err)
	}
	r := newReducer(s)
	if err := r.placeRoutes(f.services); err != nil {
		return nil, err
	}
	if err := r.attachEntities(); err != nil {
		return nil, err
	}
	if err := r.apply(f); err != nil {
		return nil, fmt.Errorf("facts, %w", err)
	}
	r.referToParents()
	table, err := schema.NewTable(slices.Collect(maps.Values(r.entities)), r.list(), r.services)
	if err != nil {
		return nil, fmt.Errorf("the table is inconsistent: %w", err)
	}
	return table, nil
}

// reducer collects the parts of the table.
type reducer struct {
	swagger     *swagger
	collections map[string]*draft
	entities    map[string]*schema.Entity
	services    []schema.Service
}

// draft is a collection as it is being assembled from routes.
type draft struct {
	*schema.Collection
	tag      string          // the vendor's name for the group of requests
	requests map[string]bool // as in placements
	models   []model
}

func newReducer(s *swagger) *reducer {
	return &reducer{swagger: s, collections: make(map[string]*draft), entities: make(map[string]*schema.Entity)}
}

func (r *reducer) list() []*schema.Collection {
	var list []*schema.Collection
	for _, d := range r.collections {
		list = append(list, d.Collection)
	}
	return list
}

// placements maps a request below a collection to its verb. The verb exists only if
// all of its requests do.
var placements = map[string]schema.Verb{
	"GET query":        schema.Query,
	"POST query":       schema.Query,
	"GET query/count":  schema.Count,
	"POST query/count": schema.Count,
	"GET {id}":         schema.Get,
	"GET ":             schema.List,
	"POST ":            schema.Create,
	"PUT ":             schema.Put,
	"PATCH ":           schema.Patch,
	"DELETE {id}":      schema.Delete,

	"GET entityInformation":                   schema.Info,
	"GET entityInformation/fields":            schema.FieldInfo,
	"GET entityInformation/userDefinedFields": schema.UDFInfo,
}

// route is one request of the Swagger, and its place in the table.
type route struct {
	service    schema.Service
	collection string
	request    string // as in placements
}

const version = "/V1.0/"

func newRoute(method, path string) route {
	relative, versioned := strings.CutPrefix(path, version)
	relative = strings.TrimPrefix(relative, "/")
	r := route{service: schema.Service{Method: strings.ToUpper(method), Path: relative, Unversioned: !versioned}}
	segments := strings.Split(relative, "/")
	r.collection = segments[0]
	segments = segments[1:]
	if len(segments) >= 2 && segments[0] == "{parentId}" {
		r.collection += "/" + segments[1]
		segments = segments[2:]
	}
	r.request = r.service.Method + " " + strings.Join(segments, "/")
	return r
}

// verb returns the verb that the request belongs to, 0 if it fits none. A bare
// GET lists the rows of a parent; a root is read by query.
func (r route) verb() schema.Verb {
	v := placements[r.request]
	isChild := strings.Contains(r.collection, "/")
	if r.service.Unversioned || v == schema.List && !isChild {
		return 0
	}
	return v
}

// placeRoutes puts every request of the Swagger into the table. One that is
// neither a service nor fits a collection is an error: the table loses nothing.
func (r *reducer) placeRoutes(services []serviceFact) error {
	isService := make(map[schema.Service]bool)
	for _, s := range services {
		isService[s.Service] = true
	}
	var lost []string
	for path, operations := range r.swagger.Paths {
		for method, op := range operations {
			route := newRoute(method, path)
			switch {
			case isService[route.service]:
				delete(isService, route.service)
				r.services = append(r.services, route.service)
			case route.verb() != 0:
				r.place(route, op)
			default:
				lost = append(lost, route.service.Method+" "+path)
			}
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		return fmt.Errorf("no place in the table, and no service in the facts: %s", strings.Join(lost, ", "))
	}
	for _, s := range services {
		if isService[s.Service] {
			return fmt.Errorf("facts, line %d: the Swagger has no %s %s", s.line, s.Method, s.Path)
		}
	}
	return nil
}

func (r *reducer) place(route route, op operation) {
	d := r.collections[route.collection]
	if d == nil {
		d = &draft{Collection: &schema.Collection{Path: route.collection}, requests: make(map[string]bool)}
		r.collections[route.collection] = d
	}
	d.tag = op.tag()
	d.requests[route.request] = true
	d.Verbs |= route.verb()
	d.models = append(d.models, r.swagger.models(op)...)
}

// attachEntities sets each collection's entity and, for a child, the field that holds
// the parent's id.
func (r *reducer) attachEntities() error {
	for _, path := range slices.Sorted(maps.Keys(r.collections)) {
		if err := r.attachEntity(r.collections[path]); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	r.shareEntities()
	r.findParentFields()
	return nil
}

func (r *reducer) attachEntity(d *draft) error {
	if err := d.checkComplete(); err != nil {
		return err
	}
	m, err := d.model()
	if err != nil {
		return err
	}
	if m.entity != "" {
		d.Entity, err = r.entity(m)
		return err
	}
	if information := schema.Info | schema.FieldInfo | schema.UDFInfo; d.Verbs&^information != 0 {
		return errors.New("rows without a model that has an id")
	}
	return nil
}

// checkComplete fails if a verb stands for several requests and one is missing.
func (d *draft) checkComplete() error {
	for _, request := range slices.Sorted(maps.Keys(placements)) {
		if d.Verbs.Has(placements[request]) && !d.requests[request] {
			return fmt.Errorf("half of a verb: no %s", request)
		}
	}
	return nil
}

// model combines what the collection's requests say.
func (d *draft) model() (model, error) {
	var united model
	for _, m := range d.models {
		var err error
		if united, err = united.unite(m); err != nil {
			return model{}, err
		}
	}
	return united, nil
}

// unite returns an error if the two contradict each other. Only some requests have
// the legacy name.
func (m model) unite(other model) (model, error) {
	if m.entity != "" && m.entity != other.entity {
		return model{}, fmt.Errorf("rows are both %s and %s", m.entity, other.entity)
	}
	if m.legacy != "" && other.legacy != "" && m.legacy != other.legacy {
		return model{}, fmt.Errorf("%s has two legacy names, %s and %s", m.entity, m.legacy, other.legacy)
	}
	return model{entity: other.entity, legacy: cmp.Or(m.legacy, other.legacy)}, nil
}

func (r *reducer) entity(m model) (*schema.Entity, error) {
	e := r.entities[m.entity]
	if e == nil {
		fields, err := r.swagger.fields(m.entity)
		if err != nil {
			return nil, err
		}
		e = &schema.Entity{Name: m.entity, Fields: fields}
		r.entities[m.entity] = e
	}
	united, err := m.unite(model{entity: e.Name, legacy: e.Legacy})
	e.Legacy = united.legacy
	return e, err
}

// shareEntities sets a root that only describes rows to the entity of its child:
// InventoryStockedItemsAdd describes what InventoryProducts/StockedItemsAdd creates.
// The tag "InventoryStockedItemsAddChild" connects the two.
func (r *reducer) shareEntities() {
	for _, child := range r.collections {
		rootPath, isChild := strings.CutSuffix(child.tag, "Child")
		if root := r.collections[rootPath]; isChild && root != nil && root.Entity == nil {
			root.Entity = child.Entity
		}
	}
}

// findParentFields looks for the field named after the parent's entity, such as
// ticketID under Tickets. Facts name the ones that are named differently.
func (r *reducer) findParentFields() {
	for _, child := range r.collections {
		parent := r.parentEntity(child.Path)
		if parent == nil || child.Entity == nil {
			continue
		}
		if f := child.Entity.Field(parent.Name + "ID"); f != nil {
			child.ParentField = f.Name
		}
	}
}

// parentEntity returns the entity of a parent: nil for a root, and for the few
// parents that are not collections themselves.
func (r *reducer) parentEntity(path string) *schema.Entity {
	parent, _, isChild := strings.Cut(path, "/")
	if d := r.collections[parent]; isChild && d != nil {
		return d.Entity
	}
	return nil
}

// referToParents sets for each field that holds a parent's id what it refers to.
func (r *reducer) referToParents() {
	for _, child := range r.collections {
		if parent := r.parentEntity(child.Path); parent != nil && child.ParentField != "" {
			child.Entity.Field(child.ParentField).References = parent.Name
		}
	}
}
