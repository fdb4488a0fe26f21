// Package zone knows which addresses Autotask's zones have: what a base URL may look
// like, and where a client may go with its credentials.
package zone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

const (
	serviceName = "ATServicesRest" // case-sensitive
	apiVersion  = "V1.0"
	// Path is where a zone is discovered, below the service.
	Path = "zoneInformation"

	// DefaultDiscovery is where discovery asks unless told otherwise.
	DefaultDiscovery = "https://webservices.autotask.net/" + serviceName + "/" + apiVersion + "/" + Path
)

// Join makes a base URL of a zone's url, which comes with or without a
// trailing slash and a version.
func Join(zone string, allowLoopback bool) (string, error) {
	u, err := parseURL(strings.TrimSpace(zone))
	if err != nil {
		return "", fmt.Errorf("the zone's url: %w", err)
	}
	if u.Scheme != "https" && !(allowLoopback && isLoopback(u)) {
		return "", fmt.Errorf("the zone's url %s is not https", shown(u))
	}
	var segments []string
	for s := range strings.SplitSeq(u.Path, "/") {
		switch {
		case s == "", strings.EqualFold(s, apiVersion):
			continue
		case strings.EqualFold(s, serviceName):
			s = serviceName
		}
		segments = append(segments, s)
	}
	if len(segments) == 0 || segments[len(segments)-1] != serviceName {
		return "", fmt.Errorf("the zone's url %s does not end in %s", shown(u), serviceName)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + "/" + strings.Join(segments, "/") + "/" + apiVersion, nil
}

// CheckBase accepts a base URL in the documented spelling only.
func CheckBase(baseURL string) (string, error) {
	u, err := checkURL("WithBaseURL", baseURL)
	if err != nil {
		return "", err
	}
	path := strings.TrimRight(u.Path, "/")
	const want = "/" + serviceName + "/" + apiVersion
	if !strings.HasSuffix(path, want) {
		return "", fmt.Errorf("WithBaseURL: %s must end in %q, spelled exactly so: %s", shown(u), want, suggestBase(u))
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + path, nil
}

// suggestBase spells out what was probably meant.
func suggestBase(u *url.URL) string {
	if base, err := Join(u.String(), true); err == nil {
		return "try " + base
	}
	return "try " + u.Scheme + "://" + u.Host + "/" + serviceName + "/" + apiVersion
}

// CheckDiscovery completes the address where a zone is discovered, and refuses one that
// is not safe.
func CheckDiscovery(zoneURL string) (string, error) {
	u, err := checkURL("WithZoneURL", zoneURL)
	if err != nil {
		return "", err
	}
	path := strings.TrimRight(u.Path, "/")
	switch {
	case strings.HasSuffix(strings.ToLower(path), "/"+strings.ToLower(Path)):
	case path == "":
		path = "/" + serviceName + "/" + apiVersion + "/" + Path
	case strings.HasSuffix(strings.ToLower(path), "/"+strings.ToLower(serviceName)):
		path += "/" + apiVersion + "/" + Path
	default:
		path += "/" + Path
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + path, nil
}

// checkURL demands an absolute https URL without user, query or fragment.
// http is for loopback addresses, where tests run.
func checkURL(option, address string) (*url.URL, error) {
	u, err := parseURL(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", option, err)
	case strings.Contains(strings.TrimRight(u.Path, "/"), "//"):
		return nil, fmt.Errorf("%s: %s must not have an empty part in its path", option, shown(u))
	case u.Scheme != "https" && !isLoopback(u):
		return nil, fmt.Errorf("%s: %s must be https: the credentials travel in every request", option, shown(u))
	}
	return u, nil
}

// parseURL accepts an absolute URL that means the same to everybody: no user, no
// query, no fragment, no escapes, and a host that can be compared as it stands.
// Its errors show nothing of an address that may hold a password.
func parseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case strings.Contains(address, "@"):
		return nil, errors.New("the URL must not hold a user or password; they go into Credentials")
	case err != nil:
		return nil, errors.New("not a URL") // the cause may quote it
	case u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("not an absolute URL such as https://webservices19.autotask.net/%s/%s", serviceName, apiVersion)
	case strings.ContainsAny(address, "?#"):
		return nil, fmt.Errorf("%s must not have a query or fragment", shown(u))
	case !isPlainHost(u):
		return nil, fmt.Errorf("%s must name its host plainly: a name in ASCII without a dot at its end, or an IP address, and a port from 1 to 65535, if any", shown(u))
	case strings.Contains(u.EscapedPath(), "%"):
		return nil, fmt.Errorf("%s must not have escapes, or characters that need one, in its path", shown(u))
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return nil, fmt.Errorf("%s must not have %q in its path", shown(u), part)
		}
	}
	return u, nil
}

// shown is a URL as an error may show it: without what may be secret.
func shown(u *url.URL) string {
	return fmt.Sprintf("%.80q", u.Scheme+"://"+u.Host+u.EscapedPath())
}

// isPlainHost reports whether the host has one spelling only, apart from capitals.
func isPlainHost(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) || strings.HasSuffix(u.Host, ":") {
		return false
	}
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Zone() == ""
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool { return !isNameRune(r) }) {
			return false
		}
	}
	return true
}

func isNameRune(r rune) bool {
	return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// IsLoopback reports whether an http address cannot leave this machine.
func IsLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLoopback(u)
}

// isLoopback is true of http URLs that cannot leave this machine.
func isLoopback(u *url.URL) bool {
	if u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// CheckWeb accepts the address of a web interface, with a slash at its end or
// without.
func CheckWeb(web string, allowLoopback bool) (string, error) {
	u, err := url.Parse(strings.TrimSpace(web))
	switch {
	case web == "":
		return "", fmt.Errorf("the zone names no web interface; WithZoneURL asks another host for it")
	case err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("the zone's webUrl %.80q is not the address of a web interface", web)
	case u.Scheme != "https" && !(allowLoopback && isLoopback(u)):
		return "", fmt.Errorf("the zone's webUrl %.80q is not https", web)
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/") + "/", nil
}

// CheckNextPage holds the address of a next page, which Autotask chose, to the
// configured origin and to the query routes of the same collection: a POST to
// any other route could be a write.
func CheckNextPage(nextURL, base, path string) error {
	u, err := url.Parse(nextURL)
	if err != nil {
		return errors.New("the next page that Autotask named is not a URL")
	}
	if got := transport.Origin(u); got != OriginOf(base) {
		return fmt.Errorf("the next page that Autotask named is on %q, but credentials go to %s only", got, OriginOf(base))
	}
	query, _, _ := strings.Cut(path, "/next")
	below, ok := cutPrefixFold(u.Path, pathOf(base)+"/"+query)
	if !ok || below != "" && !strings.EqualFold(below, "/next") {
		return fmt.Errorf("the next page that Autotask named, %.80q, is not one of this query", u.Path)
	}
	return nil
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// OriginOf and pathOf take base URLs apart, which were checked when they came:
// they have a scheme and a host, and no user.
func OriginOf(base string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return transport.Origin(&url.URL{Scheme: scheme, Host: host})
}

func pathOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Path
}
