package autotask

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

const (
	serviceName = "ATServicesRest" // case-sensitive by the contract, section 0
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
	u, err := url.Parse(strings.TrimSpace(zone))
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "", fmt.Errorf("the zone's url %.80q is not a URL", zone)
	}
	if u.Scheme != "https" && !(allowLoopback && isLoopback(u)) {
		return "", fmt.Errorf("the zone's url %.80q is not https", zone)
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
		return "", fmt.Errorf("the zone's url %.80q does not end in %s", zone, serviceName)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + "/" + strings.Join(segments, "/") + "/" + apiVersion, nil
}

// checkBaseURL accepts a base URL in the contract's spelling only.
func checkBaseURL(baseURL string) (string, error) {
	u, err := checkURL("WithBaseURL", baseURL)
	if err != nil {
		return "", err
	}
	path := strings.TrimRight(u.Path, "/")
	const want = "/" + serviceName + "/" + apiVersion
	if !strings.HasSuffix(path, want) {
		return "", fmt.Errorf("WithBaseURL: %q must end in %q, spelled exactly so: %s", baseURL, want, suggestBase(u))
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
	return u.Scheme + "://" + u.Host + path, nil
}

// checkURL demands an absolute https URL without user, query or fragment.
// http is for loopback addresses, where tests run.
func checkURL(option, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: not a URL: %w", option, errors.Unwrap(err))
	case u.User != nil:
		return nil, fmt.Errorf("%s: the URL must not hold a user or password; they go into Credentials", option)
	case u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("%s: %q is not an absolute URL such as https://webservices19.autotask.net/%s/%s", option, address, serviceName, apiVersion)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s: %q must not have a query or fragment", option, address)
	case u.Scheme != "https" && !isLoopback(u):
		return nil, fmt.Errorf("%s: %q must be https: the credentials travel in every request", option, address)
	}
	return u, nil
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
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
