package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Table is a whole table: every collection, entity and service, each sorted.
type Table struct {
	Collections []*Collection
	Entities    []*Entity
	Services    []Service

	byPath map[string]*Collection
}

// NewTable sorts the parts in place, connects them, and returns an error if they are
// inconsistent.
func NewTable(entities []*Entity, collections []*Collection, services []Service) (*Table, error) {
	t := &Table{
		Collections: collections,
		Entities:    entities,
		Services:    services,
		byPath:      make(map[string]*Collection, len(collections)),
	}
	t.sort()
	if err := t.checkEntities(); err != nil {
		return nil, err
	}
	if err := t.index(); err != nil {
		return nil, err
	}
	t.connect()
	return t, nil
}

// Lookup returns the collection of exactly that path, nil if there is none.
func (t *Table) Lookup(path string) *Collection { return t.byPath[path] }

func (t *Table) sort() {
	slices.SortFunc(t.Entities, func(a, b *Entity) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Collections, func(a, b *Collection) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(t.Services, func(a, b Service) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
}

func (t *Table) checkEntities() error {
	names := make(map[string]bool, len(t.Entities))
	for _, e := range t.Entities {
		if names[e.Name] {
			return fmt.Errorf("entity %s appears twice", e.Name)
		}
		names[e.Name] = true
	}
	for _, e := range t.Entities {
		if err := e.check(names); err != nil {
			return fmt.Errorf("entity %s: %w", e.Name, err)
		}
	}
	return nil
}

func (e *Entity) check(entities map[string]bool) error {
	for _, f := range e.Fields {
		if e.Field(f.Name) != f {
			return fmt.Errorf("field %s appears twice", f.Name)
		}
		if f.PicklistParent != "" && e.Field(f.PicklistParent) == nil {
			return fmt.Errorf("field %s is filtered by %s, which is not a field", f.Name, f.PicklistParent)
		}
		if f.Instead != "" && !entities[f.Instead] {
			return fmt.Errorf("field %s belongs to %s, which is not an entity", f.Name, f.Instead)
		}
		if f.References != "" && !entities[f.References] {
			return fmt.Errorf("field %s refers to %s, which is not an entity", f.Name, f.References)
		}
	}
	return nil
}

func (t *Table) index() error {
	for _, c := range t.Collections {
		if t.byPath[c.Path] != nil {
			return fmt.Errorf("collection %s appears twice", c.Path)
		}
		t.byPath[c.Path] = c
		if c.ParentField != "" && (c.Entity == nil || c.Entity.Field(c.ParentField) == nil) {
			return fmt.Errorf("collection %s: its parent's id is in %s, which is not a field", c.Path, c.ParentField)
		}
	}
	return nil
}

// connect sets what follows from the rest. An entity's list of collections is
// rebuilt, so connecting the same entities again does not double it.
func (t *Table) connect() {
	for _, e := range t.Entities {
		e.collections = nil
	}
	roots := make(map[*Entity]*Collection)
	for _, c := range t.Collections {
		c.Parent, c.Segment = splitPath(c.Path)
		if c.Entity == nil {
			continue
		}
		c.Entity.collections = append(c.Entity.collections, c)
		if c.Parent == "" {
			roots[c.Entity] = c
		}
	}
	for _, c := range t.Collections {
		if c.Parent != "" && c.Entity != nil {
			c.root = roots[c.Entity]
		}
	}
}

func splitPath(path string) (parent, segment string) {
	parent, segment, isChild := strings.Cut(path, "/")
	if !isChild {
		return "", path
	}
	return parent, segment
}
