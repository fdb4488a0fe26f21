package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// codeDomain keeps the hash of an integration code apart from hashes that others may
// make of it.
const codeDomain = "github.com/autotask-go/autotask/limits integration code\x00"

// Scope names what shares limits, for the beginning of every key: the host of the
// zone, 128 bits of the SHA-256 of the integration code, and the caller's own name of
// the tenant, if there is one.
func Scope(zone, integrationCode, tenant string) (string, error) {
	zone = strings.ToLower(strings.TrimSpace(zone))
	if u, err := url.Parse(zone); err == nil && u.Host != "" {
		zone = u.Host
	}
	var problems []error
	if zone == "" {
		problems = append(problems, errors.New("no Zone: name the zone, as by its base URL"))
	}
	if strings.TrimSpace(integrationCode) == "" {
		problems = append(problems, errors.New("no IntegrationCode"))
	}
	for name, value := range map[string]string{"Zone": zone, "Tenant": tenant} {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '{' || r == '}' || r == 0x7f }) {
			problems = append(problems, fmt.Errorf("%s: %q has a space, a brace or a control character", name, value))
		}
	}
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	sum := sha256.Sum256([]byte(codeDomain + integrationCode))
	scope := zone + "/" + hex.EncodeToString(sum[:16])
	if tenant != "" {
		scope += "/" + tenant
	}
	return scope, nil
}
