package autotask_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
)

// goodAddresses are addresses of zones, and how they are kept.
var goodAddresses = map[string]string{
	"https://h.example/ATServicesRest/V1.0":             "https://h.example/ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0/":            "https://h.example/ATServicesRest/V1.0",
	"HTTPS://H.Example/ATServicesRest/V1.0":             "https://h.example/ATServicesRest/V1.0",
	"https://h.example:8443/ATServicesRest/V1.0":        "https://h.example:8443/ATServicesRest/V1.0",
	"https://h.example:65535/ATServicesRest/V1.0":       "https://h.example:65535/ATServicesRest/V1.0",
	"https://h.example/gateway/ATServicesRest/V1.0":     "https://h.example/gateway/ATServicesRest/V1.0",
	"https://h_1.example/ATServicesRest/V1.0":           "https://h_1.example/ATServicesRest/V1.0",
	"https://xn--bcher-kva.example/ATServicesRest/V1.0": "https://xn--bcher-kva.example/ATServicesRest/V1.0",
	"https://[2001:db8::1]/ATServicesRest/V1.0":         "https://[2001:db8::1]/ATServicesRest/V1.0",
	"https://[2001:db8::1]:443/ATServicesRest/V1.0":     "https://[2001:db8::1]:443/ATServicesRest/V1.0",
	"https://192.0.2.1/ATServicesRest/V1.0":             "https://192.0.2.1/ATServicesRest/V1.0",
	"http://[::1]:8080/ATServicesRest/V1.0":             "http://[::1]:8080/ATServicesRest/V1.0",
	"http://127.0.0.2/ATServicesRest/V1.0":              "http://127.0.0.2/ATServicesRest/V1.0",
	"http://LocalHost:8080/ATServicesRest/V1.0":         "http://localhost:8080/ATServicesRest/V1.0",
}

// badAddresses are refused, whatever they are the address of.
var badAddresses = []string{
	// users and passwords
	"u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush@@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush%zz@h.example/ATServicesRest",
	"https://u:hush-hush @h.example/ATServicesRest/V1.0",
	"https://u:hush-hush/x@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush?x@h.example/ATServicesRest/V1.0",
	"https://u:hush-hush#x@h.example/ATServicesRest/V1.0",
	"https:u:hush-hush@h.example/ATServicesRest/V1.0",
	"https:/u:hush-hush@h.example/ATServicesRest/V1.0",
	"https:///u:hush-hush@h.example/ATServicesRest/V1.0",
	"//u:hush-hush@h.example/ATServicesRest/V1.0",
	"https://@h.example/ATServicesRest/V1.0",
	"https://hush-hush:x@h.example/ATServicesRest/V1.0",
	"u:hush-hush",
	"https://h.example:hush-hush/ATServicesRest/V1.0",
	// queries and fragments
	"https://h.example/ATServicesRest/V1.0?password=hush-hush",
	"https://h.example/ATServicesRest/V1.0#hush-hush",
	"https://h.example/ATServicesRest/V1.0?",
	"https://h.example/ATServicesRest/V1.0#",
	"https://h.example?hush-hush/ATServicesRest/V1.0",
	// escapes, which must not turn into what they stand for
	"https://h.example/x%3F/ATServicesRest/V1.0",
	"https://h.example/x%23/ATServicesRest/V1.0",
	"https://h.example/x%2F/ATServicesRest/V1.0",
	"https://h.example/x%5C/ATServicesRest/V1.0",
	"https://h.example/x%00/ATServicesRest/V1.0",
	"https://h.example/x%20/ATServicesRest/V1.0",
	"https://h.example/x%25/ATServicesRest/V1.0",
	"https://h.example/%2e%2e/ATServicesRest/V1.0",
	"https://h.example/%41TServicesRest/V1.0",
	"https://h.example/x%2FATServicesRest/V1.0",
	"https://h.example/x y/ATServicesRest/V1.0",
	"https://h.example/\u00fc/ATServicesRest/V1.0",
	// paths that lead elsewhere
	"https://h.example/x/../ATServicesRest/V1.0",
	"https://h.example/./ATServicesRest/V1.0",
	"https://h.example/../ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0/..",
	"https://h.example//ATServicesRest/V1.0",
	"https://h.example/ATServicesRest//V1.0",
	`https://h.example\x/ATServicesRest/V1.0`,
	`https://h.example/x\..\ATServicesRest/V1.0`,
	`https://h.example/\ATServicesRest/V1.0`,
	// hosts
	"https://h.example./ATServicesRest/V1.0",
	"https://.h.example/ATServicesRest/V1.0",
	"https://h..example/ATServicesRest/V1.0",
	"https://h.example:/ATServicesRest/V1.0",
	"https://h.example:0/ATServicesRest/V1.0",
	"https://h.example:65536/ATServicesRest/V1.0",
	"https://h.example:-1/ATServicesRest/V1.0",
	"https://:443/ATServicesRest/V1.0",
	"https:///ATServicesRest/V1.0",
	"https://b\u00fccher.example/ATServicesRest/V1.0",
	"https://h\u3002example/ATServicesRest/V1.0",
	"https://h%2eexample/ATServicesRest/V1.0",
	"https://h example/ATServicesRest/V1.0",
	"https://[fe80::1%25eth0]/ATServicesRest/V1.0",
	"https://[::1/ATServicesRest/V1.0",
	"https://[h.example]/ATServicesRest/V1.0",
	"http://h.example/ATServicesRest/V1.0",
	"http://localhost.h.example/ATServicesRest/V1.0",
	"http://127.0.0.1.h.example/ATServicesRest/V1.0",
	"ftp://h.example/ATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0\n",
	" https://h.example/ATServicesRest/V1.0",
	"",
}

// otherAddresses are no addresses of a zone.
var otherAddresses = []string{
	"https://h.example/atservicesrest/V1.0",
	"https://h.example/ATSERVICESREST/V1.0",
	"https://h.example/ATServicesRest/v1.0",
	"https://h.example/AtServicesRest/V1.0",
	"https://h.example/xATServicesRest/V1.0",
	"https://h.example/ATServicesRest/V1.0.0",
	"https://h.example/ATServicesRest",
	"https://h.example",
	"https://h.example/ATServicesRest/V1.0/Tickets",
}

func TestWithBaseURL_Addresses(t *testing.T) {
	t.Parallel()
	for given, want := range goodAddresses {
		client, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(given))
		require.NoError(t, err, given)
		assert.Equal(t, "autotask.Client("+want+")", client.String(), given)
	}
	for _, given := range slices.Concat(badAddresses, otherAddresses) {
		_, err := autotask.NewClient(testCredentials, autotask.WithBaseURL(given))
		if assert.Error(t, err, given) {
			assert.NotContains(t, err.Error(), "hush-hush", given)
			assert.Contains(t, err.Error(), "WithBaseURL: ", given)
		}
	}
}

func TestWithBaseURL_SaysWhatWasProbablyMeant(t *testing.T) {
	t.Parallel()
	for _, given := range []string{"atservicesrest/v1.0", "ATSERVICESREST", "ATServicesRest/", "", "ATServicesRest/V2"} {
		_, err := autotask.NewClient(testCredentials, autotask.WithBaseURL("https://h.example/"+given))
		assert.ErrorContains(t, err, "try https://h.example/ATServicesRest/V1.0", given)
	}
}

func TestWithZoneURL_Addresses(t *testing.T) {
	t.Parallel()
	for given := range goodAddresses {
		_, err := autotask.NewClient(testCredentials, autotask.WithZoneURL(given))
		require.NoError(t, err, given)
	}
	for _, given := range badAddresses {
		_, err := autotask.NewClient(testCredentials, autotask.WithZoneURL(given))
		if assert.Error(t, err, given) {
			assert.NotContains(t, err.Error(), "hush-hush", given)
			assert.Contains(t, err.Error(), "WithZoneURL: ", given)
		}
	}
}

// What zone discovery answers is held to the same.
func TestZone_AddressesThatAreAnswered(t *testing.T) {
	t.Parallel()
	for _, answered := range badAddresses {
		if _, path, _ := strings.Cut(strings.TrimSpace(answered), "://"); strings.Contains(path, "//") || strings.TrimSpace(answered) != answered {
			continue // Autotask itself may answer with these, and they are put right
		}
		mock := httpmock.NewMockTransport()
		mock.RegisterResponder(http.MethodGet, "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation",
			httpmock.NewJsonResponderOrPanic(200, map[string]any{"url": answered}))
		client, err := autotask.NewClient(testCredentials, autotask.WithHTTPClient(&http.Client{Transport: mock}))
		require.NoError(t, err)
		_, err = client.Tickets.Get(t.Context(), 7)
		require.ErrorIs(t, err, autotask.ErrServer, answered)
		assert.NotContains(t, err.Error(), "hush-hush", answered)
		assert.Equal(t, 1, mock.GetTotalCallCount(), "%s: no credential goes anywhere", answered)
	}
}
