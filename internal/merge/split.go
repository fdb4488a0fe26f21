package merge

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/autotask-go/autotask/internal/scan"
)

// split is members for an object as Autotask sends it, in one pass, into room. ok
// is false of anything else, what is no JSON included: readMembers is for that.
func split(object []byte, room []member) (all []member, ok bool) {
	i := scan.Space(object, 0)
	if i == len(object) || object[i] != '{' {
		return nil, false
	}
	all = room
	asText := string(object) // what the names are parts of
	for closed := false; !closed; {
		start := scan.Space(object, i+1)
		if start >= len(object) || object[start] != '"' {
			return nil, false
		}
		end, verbatim := scan.Text(object, start)
		if !verbatim {
			return nil, false
		}
		m := member{name: asText[start+1 : end-1], quoted: object[start:end:end]}
		if i = scan.Space(object, end); i >= len(object) || object[i] != ':' {
			return nil, false
		}
		start = scan.Space(object, i+1)
		if end = scan.Skip(object, start); end < 0 {
			return nil, false
		}
		m.value = jsontext.Value(object[start:end:end])
		all = append(all, m)
		i = scan.Space(object, end)
		switch {
		case i == len(object):
			return nil, false
		case object[i] == '}':
			closed = true
		case object[i] != ',':
			return nil, false
		}
	}
	if scan.Space(object, i+1) != len(object) {
		return nil, false
	}
	return all, distinct(all)
}

const mostDistinct = 200

// distinct reports that no two members have one name. Of very many it reports
// nothing.
func distinct(all []member) bool {
	const room = 512
	if len(all) > mostDistinct {
		return false
	}
	var table [room]uint8 // by a hash of the name: its place in all, counted from 1
	for i := range all {
		name := all[i].name
		h := uint32(len(name)) //nolint:gosec // names are short
		for j := range len(name) {
			h = h*16777619 ^ uint32(name[j])
		}
		for h ^= h >> 15; table[h%room] != 0; h++ {
			if all[table[h%room]-1].name == name {
				return false
			}
		}
		table[h%room] = uint8(i + 1)
	}
	return true
}
