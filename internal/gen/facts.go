package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/autotask-go/autotask/internal/schema"
)

// facts is facts.txt, parsed but not yet compared with the Swagger.
type facts struct {
	entities    []*entityFact
	collections []*collectionFact
	services    []serviceFact
}

type entityFact struct {
	line   int
	names  []string // or everyEntity
	doc    string
	fields []fieldFact
}

const everyEntity = "*"

type fieldFact struct {
	line  int
	name  string
	flags []string
}

type collectionFact struct {
	line    int
	path    string
	without schema.Verb
	parent  string
}

type serviceFact struct {
	schema.Service
	line int
}

func parseFacts(text string) (*facts, error) {
	p := factsParser{facts: &facts{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(number, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p.facts, nil
}

// factsParser reads facts.txt. An unindented line opens a section, indented
// ones belong to it.
type factsParser struct {
	*facts
	section func(number int, words []string) error
}

func (p *factsParser) line(number int, line string) error {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	if line[0] == '\t' {
		if p.section == nil {
			return errors.New("indented, but not under an entity or collection")
		}
		return p.section(number, words)
	}
	p.section = nil
	switch words[0] {
	case "entity":
		return p.entity(number, line)
	case "collection":
		return p.collection(number, words[1:])
	case "service":
		s, err := schema.ParseService(words[1:])
		p.services = append(p.services, serviceFact{s, number})
		return err
	}
	return fmt.Errorf("%q is neither entity, collection nor service", words[0])
}

func (p *factsParser) entity(number int, line string) error {
	head, doc, _ := strings.Cut(line, " : ")
	names := strings.Fields(head)[1:]
	if len(names) == 0 {
		return errors.New("entity needs a name")
	}
	if doc = strings.TrimSpace(doc); doc != "" && len(names) > 1 {
		return errors.New("one description cannot fit several entities")
	}
	e := &entityFact{line: number, names: names, doc: doc}
	p.entities = append(p.entities, e)
	p.section = func(number int, words []string) error {
		if len(words) == 1 {
			return fmt.Errorf("nothing said about field %s", words[0])
		}
		e.fields = append(e.fields, fieldFact{number, words[0], words[1:]})
		return nil
	}
	return nil
}

func (p *factsParser) collection(number int, words []string) error {
	if len(words) != 1 {
		return errors.New("collection needs a path")
	}
	c := &collectionFact{line: number, path: words[0]}
	p.collections = append(p.collections, c)
	p.section = c.fact
	return nil
}

func (c *collectionFact) fact(_ int, words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("want \"without VERB\" or \"parent FIELD\", not %q", strings.Join(words, " "))
	}
	switch words[0] {
	case "without":
		v, err := schema.ParseVerb(words[1])
		c.without |= v
		return err
	case "parent":
		c.parent = words[1]
		return nil
	}
	return fmt.Errorf("unknown fact %q about a collection", words[0])
}

// apply corrects the parts of the table. What a fact refers to must exist: a fact
// that no longer matches the Swagger has to be reviewed.
func (r *reducer) apply(f *facts) error {
	for _, c := range f.collections {
		if err := r.applyCollection(c); err != nil {
			return fmt.Errorf("line %d: %w", c.line, err)
		}
	}
	for _, e := range f.entities {
		if err := r.applyEntity(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *reducer) applyCollection(fact *collectionFact) error {
	c := r.collections[fact.path]
	if c == nil {
		return fmt.Errorf("no collection %s", fact.path)
	}
	if !c.Verbs.Has(fact.without) {
		return fmt.Errorf("%s already lacks %s", fact.path, fact.without&^c.Verbs)
	}
	c.Verbs &^= fact.without
	if fact.parent == "" {
		return nil
	}
	if c.Entity == nil || c.Entity.Field(fact.parent) == nil {
		return fmt.Errorf("rows of %s have no field %s", fact.path, fact.parent)
	}
	c.ParentField = fact.parent
	return nil
}

func (r *reducer) applyEntity(fact *entityFact) error {
	if fact.names[0] == everyEntity {
		return r.applyEverywhere(fact.fields)
	}
	for _, name := range fact.names {
		e := r.entities[name]
		if e == nil {
			return fmt.Errorf("line %d: no entity %s", fact.line, name)
		}
		if fact.doc != "" {
			e.Doc = fact.doc
		}
		for _, field := range fact.fields {
			if err := applyField(e, field); err != nil {
				return fmt.Errorf("line %d: %w", field.line, err)
			}
		}
	}
	return nil
}

// applyEverywhere applies facts to every entity that has such a field.
func (r *reducer) applyEverywhere(fields []fieldFact) error {
	for _, field := range fields {
		used := false
		for _, e := range r.entities {
			if e.Field(field.name) == nil {
				continue
			}
			used = true
			if err := applyField(e, field); err != nil {
				return fmt.Errorf("line %d: %w", field.line, err)
			}
		}
		if !used {
			return fmt.Errorf("line %d: no entity has a field %s", field.line, field.name)
		}
	}
	return nil
}

// applyField requires the name in the right casing, although Field would find it in
// any: a wrong casing that is hidden here breaks on the wire.
func applyField(e *schema.Entity, fact fieldFact) error {
	f := e.Field(fact.name)
	if f == nil || f.Name != fact.name {
		return fmt.Errorf("%s has no field %s", e.Name, fact.name)
	}
	for _, flag := range fact.flags {
		if err := f.SetFlag(flag); err != nil {
			return fmt.Errorf("%s.%s: %w", e.Name, f.Name, err)
		}
	}
	return nil
}
