package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/schema"
)

// swagger is the part of a Swagger 2.0 file that the table is built from.
type swagger struct {
	Paths       map[string]map[string]operation `json:"paths"`
	Definitions map[string]definition           `json:"definitions"`
}

type operation struct {
	Tags       []string `json:"tags"`
	Parameters []struct {
		In     string    `json:"in"`
		Schema reference `json:"schema"`
	} `json:"parameters"`
	Responses map[string]struct {
		Schema reference `json:"schema"`
	} `json:"responses"`
}

func (o operation) tag() string {
	if len(o.Tags) == 0 {
		return ""
	}
	return o.Tags[0]
}

type reference struct {
	Ref string `json:"$ref"`
}

type definition struct {
	Properties properties `json:"properties"`
}

type property struct {
	name     string
	Type     string    `json:"type"`
	Format   string    `json:"format"`
	ReadOnly bool      `json:"readOnly"`
	Items    reference `json:"items"`
}

// properties keeps the order of the file, which a map would lose.
type properties []property

// UnmarshalJSONFrom reads an object of properties.
func (p *properties) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind != jsontext.KindBeginObject {
		return fmt.Errorf("properties are %v, not an object", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		one := property{name: name.String()}
		if err := json.UnmarshalDecode(d, &one); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	_, err := d.ReadToken()
	return err
}

func parseSwagger(data []byte) (*swagger, error) {
	var s swagger
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if len(s.Paths) == 0 {
		return nil, errors.New("no paths: not a Swagger file")
	}
	return &s, nil
}

const definitionPrefix = "#/definitions/"

// model is what an operation says about its rows.
type model struct {
	entity string // "" if it handles none
	legacy string
}

// models returns what the operation's answer and body say about its rows.
func (s *swagger) models(op operation) []model {
	refs := []string{op.Responses["200"].Schema.Ref}
	for _, p := range op.Parameters {
		if p.In == "body" {
			refs = append(refs, p.Schema.Ref)
		}
	}
	var found []model
	for _, ref := range refs {
		if m := s.model(strings.TrimPrefix(ref, definitionPrefix)); m.entity != "" {
			found = append(found, m)
		}
	}
	return found
}

// model parses both ways in which the vendor names a row:
// "QueryActionResult[CompanyModel,Account]", whose second parameter is the name in
// the SOAP API, and the bare "CompanyModel". It ignores a model without an id.
func (s *swagger) model(name string) model {
	var m model
	if _, parameters, generic := strings.Cut(name, "["); generic {
		name, m.legacy, _ = strings.Cut(strings.TrimSuffix(parameters, "]"), ",")
	}
	entity, isModel := strings.CutSuffix(name, "Model")
	if !isModel || !s.Definitions[name].has("id") {
		return model{}
	}
	m.entity = entity
	if m.legacy == entity {
		m.legacy = ""
	}
	return m
}

func (d definition) has(name string) bool {
	for _, p := range d.Properties {
		if p.name == name {
			return true
		}
	}
	return false
}

// leaked is an artefact of the vendor's server in nearly every child model: an
// expression tree, never on the wire.
const leaked = "soapParentPropertyId"

func (s *swagger) fields(entity string) ([]*schema.Field, error) {
	var fields []*schema.Field
	for _, p := range s.Definitions[entity+"Model"].Properties {
		if p.name == leaked {
			continue
		}
		f, err := p.field()
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", entity, p.name, err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (p property) field() (*schema.Field, error) {
	f := &schema.Field{Name: p.name, ReadOnly: p.ReadOnly}
	switch p.Type + "/" + p.Format {
	case "integer/int32":
		f.Kind, f.Bits = schema.Integer, 32
	case "integer/int64":
		f.Kind, f.Bits = schema.Integer, 64
	case "number/double":
		f.Kind = schema.Number
	case "boolean/":
		f.Kind = schema.Boolean
	case "string/":
		f.Kind = schema.String
	case "string/date-time":
		f.Kind = schema.DateTime
	case "string/byte":
		f.Kind = schema.Bytes
	case "object/":
		f.Kind = schema.Any
	case "array/":
		if p.Items.Ref != definitionPrefix+"UserDefinedField" {
			return nil, fmt.Errorf("unknown array of %q", p.Items.Ref)
		}
		f.Kind = schema.UDFs
	default:
		return nil, fmt.Errorf("unknown type %q of format %q", p.Type, p.Format)
	}
	return f, nil
}
