package vcr

import (
	"regexp"
	"strings"
)

// plainWords redacts the text of an error. A program tells errors apart by their words,
// so words that Autotask is known to use stay. All others, and numbers, become "x": a
// refusal quotes what it refuses.
func plainWords(s string) string {
	s = word.ReplaceAllStringFunc(s, func(w string) string {
		if vocabulary[strings.ToLower(w)] || reference.MatchString(w) {
			return w
		}
		return "x"
	})
	return s
}

var (
	// word is a run of letters, digits, and signs that join them.
	word = regexp.MustCompile(`[\p{L}\p{M}\p{N}_@+.'’-]*[\p{L}\p{M}\p{N}]`)
	// reference is the name of a field that holds an id.
	reference = regexp.MustCompile(`^[a-z]+([A-Z][a-z]+)*ID$`)
)

var vocabulary = wordsOf(`
	a an and api are as associated at attribute autotask be been by cannot characters
	conditions conversion converting could data date datetime defined delete
	determined do does edited entity equal error exceeded exist exists
	failed fewer field find for found has have http id in integer integrationcode
	invalid information is itgenatr005 less limited locked logged maximum message method
	missing must no not number of on one only or parent permission permissions
	picklist please problem queries query record records reference request
	required resource role support syntax task than that the this thread threads
	threshold ticket time to type unable unexpected update user value values
	violation when with you zone authorized adequate occurred account matching
	entries specified combination contact persists if supported allowed read was
	your hour between
`)

func wordsOf(s string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(s) {
		all[w] = true
	}
	return all
}
