package transport

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Class is whether a request may be retried freely.
type Class uint8

// The two classes. A Read changes nothing on the server.
const (
	Read Class = iota + 1
	Write
)

// ClassOf returns the class for the method and the path below the base URL: GET and
// the query routes, which are POSTed, are reads; the rest are writes. So is GET
// TimeOffRequests/{id}/Approve, which approves the request. A path in an odd spelling
// is never a read.
func ClassOf(method, path string) Class {
	switch method {
	case http.MethodGet:
		if !writesByGet(path) {
			return Read
		}
	case http.MethodPost:
		for _, route := range [...]string{"/query", "/query/count", "/query/next", "/query/prev"} {
			if strings.HasSuffix(path, route) && !strings.ContainsAny(path, `?#%\`) && !strings.Contains(path, "/.") {
				return Read
			}
		}
	}
	return Write
}

// writesByGet reports whether a GET of the path changes something. Only the approval
// of time off does, by the API's own description; its rejection is treated the same,
// in case it answers to a GET.
func writesByGet(address string) bool {
	collection, rest, _ := strings.Cut(cleaned(address), "/")
	_, verb, _ := strings.Cut(rest, "/")
	return strings.EqualFold(collection, "TimeOffRequests") && (strings.EqualFold(verb, "Approve") || strings.EqualFold(verb, "Reject"))
}

// Endpoint returns the part of a path to which Autotask's thread limit applies.
// Whether a child such as Tickets/5/Notes counts toward its parent is not known, so
// it does: the first segment is the stricter reading.
func Endpoint(path string) string {
	endpoint, _, _ := strings.Cut(path, "/")
	return endpoint
}

// Operation returns the method and the path without ids, for logs and metrics: few
// values, none of them personal.
func Operation(method, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if isID(s) {
			segments[i] = "{id}"
		}
	}
	return method + " " + strings.Join(segments, "/")
}

func isID(segment string) bool {
	digits := strings.TrimPrefix(segment, "-")
	if digits == "" {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// patchesTicket reports whether the request would PATCH a ticket. Tickets are only
// ever written whole (docs/api-notes.md, section 7.3).
func patchesTicket(method, address string) bool {
	if !isPatch(method) {
		return false
	}
	collection, rest, _ := strings.Cut(cleaned(address), "/")
	return strings.EqualFold(collection, "Tickets") && !strings.Contains(rest, "/")
}

// cleaned returns a path as a web server may read it, so that no odd spelling of a
// route is missed.
func cleaned(address string) string {
	if !strings.ContainsAny(address, `%?\.`) && !strings.Contains(address, "//") {
		return strings.Trim(address, "/")
	}
	address, _, _ = strings.Cut(address, "?")
	if unescaped, err := url.PathUnescape(address); err == nil {
		address = unescaped
	}
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(address, `\`, "/")), "/")
}

func isPatch(method string) bool { return strings.EqualFold(method, http.MethodPatch) }
