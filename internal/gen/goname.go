package main

import (
	"fmt"
	"strings"
	"unicode"
)

// initialisms are the words of the vendor's names that Go writes in capitals.
var initialisms = wordSet(`api crm dns gl guid id ip mac msrp nic os po rgb rma rmm sgda sic sku sla snmp ssl udf
	uid url zfs`)

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// goName converts a JSON name into an exported Go name: rmmAlertID into RMMAlertID,
// problemTicketId into ProblemTicketID.
func goName(name string) (string, error) {
	var b strings.Builder
	for _, word := range words(name) {
		if initialisms[strings.ToLower(word)] {
			b.WriteString(strings.ToUpper(word))
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	if !isIdentifier(b.String()) {
		return "", fmt.Errorf("%q makes no Go name", name)
	}
	return b.String(), nil
}

// isIdentifier knows only ASCII, which is all the vendor uses; words relies on it.
func isIdentifier(name string) bool {
	for i, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// words splits a name in camel case. A run of capitals is one word, except the last
// of them if a lower-case letter follows: rmmDeviceAuditIPAddress is rmm, Device,
// Audit, IP, Address.
func words(name string) []string {
	if name == "" {
		return nil
	}
	var words []string
	start := 0
	for i := 1; i < len(name); i++ {
		if isUpper(name[i]) && (!isUpper(name[i-1]) || i+1 < len(name) && isLower(name[i+1])) {
			words = append(words, name[start:i])
			start = i
		}
	}
	return append(words, name[start:])
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
