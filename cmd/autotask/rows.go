package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask"
)

// printer prints rows in one of the forms.
type printer struct {
	*app

	shape  *shape
	fields []string // that were asked for; none is all
	csv    bool
	labels *autotask.Labels // nil if they are not needed
	addTo  bool             // labels are added beside the values

	table *table
	file  *csv.Writer
}

// newPrinter checks the fields and reads what printing needs.
func (a *app) newPrinter(ctx context.Context, client *autotask.Client, s *shape, o readOptions) (*printer, error) {
	p := &printer{app: a, shape: s, csv: o.csv, addTo: o.labels}
	if o.csv && a.json {
		return nil, usagef("give -csv or -json, not both")
	}
	wanted := o.fields
	if o.csv && len(wanted) == 0 { // all of them are columns
		wanted = []string{udfPrefix + "*"}
	}
	if err := s.readUDFs(ctx, client, wanted); err != nil {
		return nil, err
	}
	for _, name := range o.fields {
		f, err := s.field(name)
		if err != nil {
			return nil, err
		}
		if isUDF(name) {
			name = udfPrefix + f.Name
		} else {
			name = f.Name
		}
		p.fields = append(p.fields, name)
	}
	if o.labels || !o.csv && !a.json {
		var err error
		if p.labels, err = client.Picklists.Labels(ctx, s.collection); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// include returns the fields to ask for; none is all.
func (p *printer) include() []string {
	if slices.ContainsFunc(p.fields, isUDF) {
		return nil // user-defined fields come with all the others only
	}
	if len(p.fields) == 0 && !p.csv && !p.json {
		return p.usual()
	}
	return p.fields
}

// usualFields are what a table shows if nothing else is said: the first six that
// the collection has.
var usualFields = []string{
	"id", "ticketNumber", "taskNumber", "projectNumber", "title", "companyName", "projectName", "contractName", "referenceTitle", "itemName",
	"firstName", "lastName", "userName", "name", "status", "priority", "isActive", "companyID", "queueID", "ticketID", "resourceID", "noteType",
	"publish", "dateWorked", "hoursWorked", "summaryNotes", "emailAddress", "phone", "startDate", "endDate", "createDate", "createDateTime", "description",
}

const usualColumnsOfTable = 6

func (p *printer) usual() (names []string) {
	for _, name := range usualFields {
		if len(names) < usualColumnsOfTable && slices.ContainsFunc(p.shape.fields, func(f autotask.Field) bool { return f.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// columns returns the columns of a table or a file.
func (p *printer) columnNames() []string {
	switch {
	case len(p.fields) > 0:
		return withID(p.fields)
	case !p.csv:
		return withID(p.usual())
	}
	names := []string{"id"}
	for _, f := range p.shape.fields {
		if f.Name != "id" {
			names = append(names, f.Name)
		}
	}
	for _, f := range p.shape.udfs {
		names = append(names, udfPrefix+f.Name)
	}
	return names
}

func withID(names []string) []string {
	if slices.Contains(names, "id") {
		return names
	}
	return append([]string{"id"}, names...)
}

// row prints a row, or keeps it for a table.
func (p *printer) row(r *autotask.Row) error {
	if p.json {
		return p.jsonRow(r)
	}
	values, err := membersOf(r.JSON)
	if err != nil {
		return err
	}
	labels, err := p.labelsOf(r)
	if err != nil {
		return err
	}
	names := p.columnNames()
	if p.csv {
		return p.csvRow(names, values, labels)
	}
	if p.table == nil {
		p.table = newTable(names...)
	}
	cells := make([]string, len(names))
	for i, name := range names {
		if cells[i] = cell(values[strings.ToLower(name)]); labels[name] != "" {
			cells[i] = labels[name]
		}
	}
	p.table.add(cells...)
	return nil
}

func (p *printer) labelsOf(r *autotask.Row) (map[string]string, error) {
	if p.labels == nil {
		return nil, nil
	}
	return p.labels.Of(r)
}

func (p *printer) csvRow(names []string, values map[string]jsontext.Value, labels map[string]string) error {
	if err := p.csvHead(names); err != nil {
		return err
	}
	var record []string
	for _, name := range names {
		text := cell(values[strings.ToLower(name)])
		if p.columns() > 0 {
			text = clean(text) // a file keeps every character, a terminal would obey some
		}
		if record = append(record, text); p.labelled(name) {
			record = append(record, labels[name])
		}
	}
	return p.file.Write(record)
}

// csvHead writes the first line of a file, once; also if it has no rows.
func (p *printer) csvHead(names []string) error {
	if p.file != nil {
		return nil
	}
	p.file = csv.NewWriter(p.out)
	var head []string
	for _, name := range names {
		if head = append(head, name); p.labelled(name) {
			head = append(head, name+"_label")
		}
	}
	return p.file.Write(head)
}

// labelled reports whether a column of labels follows the column of a field.
func (p *printer) labelled(name string) bool {
	return p.addTo && slices.ContainsFunc(p.shape.fields, func(f autotask.Field) bool { return f.Name == name && f.Picklist })
}

// jsonRow prints a row as Autotask sent it, or the fields that were asked for.
func (p *printer) jsonRow(r *autotask.Row) error {
	line := r.JSON.Clone()
	if len(p.fields) > 0 || p.addTo {
		labels, err := p.labelsOf(r)
		if err != nil {
			return err
		}
		if line, err = project(line, p.fields, labels, p.addTo); err != nil {
			return err
		}
	}
	if err := line.Compact(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	text := string(line)
	if p.columns() > 0 {
		text = escaped(text)
	}
	_, err := p.out.WriteString(text + "\n")
	return err
}

// escaped escapes in JSON what a terminal would obey. It is the same JSON.
func escaped(line string) string {
	var b strings.Builder
	for _, r := range line {
		if r < 0x10000 && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// project keeps some members of an object, by the order of the names.
func project(row jsontext.Value, names []string, labels map[string]string, withLabels bool) (jsontext.Value, error) {
	values, err := membersOf(row)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if !withLabels {
			return row, nil
		}
		b, err := json.Marshal(labels, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		trimmed := strings.TrimRight(string(row), " \r\n\t")
		return jsontext.Value(strings.TrimSuffix(trimmed, "}") + `,"_labels":` + string(b) + "}"), nil
	}
	var out strings.Builder
	out.WriteByte('{')
	for i, name := range withID(names) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value := values[strings.ToLower(name)]
		if len(value) == 0 {
			value = jsontext.Value("null")
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
		if label := labels[name]; withLabels && label != "" {
			b, err := json.Marshal(map[string]string{name + "_label": label})
			if err != nil {
				return nil, err
			}
			out.WriteString("," + strings.Trim(string(b), "{}"))
		}
	}
	out.WriteByte('}')
	return jsontext.Value(out.String()), nil
}

// membersOf returns the members of a row, and its user-defined fields, by their names
// in lower case.
func membersOf(row jsontext.Value) (map[string]jsontext.Value, error) {
	members := make(map[string]jsontext.Value)
	if err := json.Unmarshal(row, &members, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return nil, err
	}
	out := make(map[string]jsontext.Value, len(members))
	for name, value := range members {
		out[strings.ToLower(name)] = value
	}
	udfs, err := udfsOf(out["userdefinedfields"])
	for _, u := range udfs {
		out[strings.ToLower(udfPrefix+u.Name)] = u.Value
	}
	return out, err
}

// udfValue is a user-defined field of a row.
type udfValue struct {
	Name  string         `json:"name"`
	Value jsontext.Value `json:"value"`
}

func udfsOf(raw jsontext.Value) (udfs []udfValue, err error) {
	if len(raw) > 0 && raw.Kind() == '[' {
		err = json.Unmarshal(raw, &udfs, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	}
	return udfs, err
}

// cell returns a value as text: null and what is absent are empty.
func cell(v jsontext.Value) string {
	switch {
	case len(v) == 0, v.Kind() == 'n':
		return ""
	case v.Kind() == '"':
		var s string
		if json.Unmarshal(v, &s, jsontext.AllowInvalidUTF8(true)) == nil {
			return s
		}
	}
	return string(v)
}

// flush sends what is printed so far to the reader.
func (p *printer) flush() error {
	if p.file != nil {
		if p.file.Flush(); p.file.Error() != nil {
			return p.file.Error()
		}
	}
	return p.out.Flush()
}

// end prints the table, if there is one.
func (p *printer) end() error {
	switch {
	case p.csv:
		if err := p.csvHead(p.columnNames()); err != nil {
			return err
		}
	case p.table != nil:
		if err := p.table.write(p.out, p.columns()); err != nil {
			return err
		}
	}
	return p.flush()
}
