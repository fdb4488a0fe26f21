package transport

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Class says whether a request may be repeated freely.
type Class uint8

// The two classes. A Read changes nothing on the server.
const (
	Read Class = iota + 1
	Write
)

// ClassOf derives the class from the method and the path below the base URL:
// GET and the query routes, which are POSTed, are reads; the rest are writes.
func ClassOf(method, path string) Class {
	if method == http.MethodGet {
		return Read
	}
	if method == http.MethodPost {
		for _, route := range [...]string{"/query", "/query/count", "/query/next", "/query/prev"} {
			if strings.HasSuffix(path, route) {
				return Read
			}
		}
	}
	return Write
}

// Endpoint is the part of a path that Autotask's thread limit goes by. Whether
// a child such as Tickets/5/Notes counts as its parent is not known, so it
// does: the first segment is the stricter reading.
func Endpoint(path string) string {
	endpoint, _, _ := strings.Cut(path, "/")
	return endpoint
}

// Operation is the method and the path with ids left out, for logs and
// metrics: few values, none of them personal.
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

// patchesTicket tells whether the request would PATCH a ticket. Tickets are
// only ever written whole (contract, sections 0.1 and 4). The path is read as a
// web server may read it, so that no odd spelling gets by.
func patchesTicket(method, address string) bool {
	if !isPatch(method) {
		return false
	}
	address, _, _ = strings.Cut(address, "?")
	if unescaped, err := url.PathUnescape(address); err == nil {
		address = unescaped
	}
	collection, rest, _ := strings.Cut(strings.TrimPrefix(path.Clean("/"+address), "/"), "/")
	return strings.EqualFold(collection, "Tickets") && !strings.Contains(rest, "/")
}

func isPatch(method string) bool { return strings.EqualFold(method, http.MethodPatch) }
