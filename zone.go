package autotask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

const (
	serviceName = "ATServicesRest" // case-sensitive
	apiVersion  = "V1.0"
	zonePath    = "zoneInformation"

	defaultZoneURL = "https://webservices.autotask.net/" + serviceName + "/" + apiVersion + "/" + zonePath
)

// base is the address of the client's zone, discovered at the first call if it
// was not given. Concurrent first callers share one discovery.
func (c *core) base(ctx context.Context) (string, error) {
	if c.baseURL != "" {
		return c.baseURL, nil
	}
	base, err := c.zones.Get(ctx, "", c.discover)
	return base, asError(http.MethodGet, zonePath, err)
}

// movedFrom asks for the zone once more and reports whether it is another one.
// A zone that was given stays as it is.
func (c *core) movedFrom(ctx context.Context, old string) (string, bool) {
	if c.baseURL != "" {
		return "", false
	}
	if current, ok := c.zones.Peek(""); ok && current == old {
		c.zones.Forget("")
	}
	found, err := c.base(ctx)
	return found, err == nil && found != old
}

// discover asks Autotask which zone the user's tenant is in. The request
// carries no credentials but the user's name.
func (c *core) discover(ctx context.Context) (string, error) {
	var zone struct {
		URL string `json:"url"`
	}
	err := c.askZone(ctx, c.zoneURL, func(b []byte) error {
		zone.URL = "" // nothing of an earlier attempt
		return decode(b, &zone)
	})
	if err != nil {
		return "", err
	}
	base, err := joinZone(zone.URL, isLoopbackURL(c.zoneURL))
	if err != nil {
		return "", refusal(transport.Server, http.MethodGet, zonePath, err.Error())
	}
	return base, nil
}

func (c *core) askZone(ctx context.Context, where string, decode func([]byte) error) error {
	_, err := c.do(ctx, &transport.Request{
		Method: http.MethodGet,
		URL:    where + "?user=" + url.QueryEscape(c.userName()),
		Path:   zonePath,
		Decode: decode,
	})
	return err
}

// joinZone makes a base URL of a zone's url, which comes with or without a
// trailing slash and a version.
func joinZone(zone string, allowLoopback bool) (string, error) {
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

// checkBaseURL accepts a base URL in the documented spelling only.
func checkBaseURL(baseURL string) (string, error) {
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
	if base, err := joinZone(u.String(), true); err == nil {
		return "try " + base
	}
	return "try " + u.Scheme + "://" + u.Host + "/" + serviceName + "/" + apiVersion
}

func checkZoneURL(zoneURL string) (string, error) {
	u, err := checkURL("WithZoneURL", zoneURL)
	if err != nil {
		return "", err
	}
	path := strings.TrimRight(u.Path, "/")
	switch {
	case strings.HasSuffix(strings.ToLower(path), "/"+strings.ToLower(zonePath)):
	case path == "":
		path = "/" + serviceName + "/" + apiVersion + "/" + zonePath
	case strings.HasSuffix(strings.ToLower(path), "/"+strings.ToLower(serviceName)):
		path += "/" + apiVersion + "/" + zonePath
	default:
		path += "/" + zonePath
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

// isPlainHost tells whether the host has one spelling only, but for capitals.
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

func isLoopbackURL(address string) bool {
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
