package conformance

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Address and login: contract 0, notes 1, 5.1.

func addressChecks() []Check {
	return []Check{
		{
			ID: "contract/0/base-url", Section: "contract 0", Evidence: "CONTRACT", Requests: 1,
			Title: "The tenant is reached at …/ATServicesRest/V1.0",
			Asks:  "GET Tickets/entityInformation", Expects: "200 with a JSON object", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, "Tickets/entityInformation")
				if err != nil {
					return "", err
				}
				return "", granted(a, "read what Tickets are")
			},
		},
		{
			ID: "contract/0/casing", Section: "contract 0", Evidence: "CONTRACT", Requests: 2,
			Title: "No other casing of ATServicesRest is valid",
			Asks:  "GET of the same below atservicesrest and ATSERVICESREST", Expects: "no answer of status 2xx", Fake: "404",
			run: otherCasing,
		},
		{
			ID: "notes/1.1/path-casing", Section: "notes 1.1", Evidence: "LIVE", Requests: 1,
			Title: "Collections and the version are accepted in any casing",
			Asks:  "GET …/ATServicesRest/v1.0/tIcKeTs/entityInformation", Expects: "200", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, r.wire.beside("/ATServicesRest/v1.0/tIcKeTs/entityInformation"))
				if err != nil {
					return "", err
				}
				return "", granted(a, "read what Tickets are")
			},
		},
		{
			ID: "notes/1.2/headers", Section: "notes 1.2", Evidence: "SWAGGER", Requests: 1,
			Title: "A request without the login headers is refused",
			Asks:  "GET Tickets/entityInformation without UserName, Secret and ApiIntegrationCode", Expects: "a status of 4xx or 5xx", Fake: "401",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.send(ctx, request{method: http.MethodGet, path: "Tickets/entityInformation", anonymous: true})
				if err != nil {
					return "", err
				}
				if a.status < 400 {
					return "", failf("accepted: %s", a.describe())
				}
				return a.describe(), nil
			},
		},
		{
			ID: "notes/1.3/refused", Section: "notes 1.3", Evidence: "LIVE, DOC",
			Title: "A wrong secret is 401 with an empty body",
			Asks:  "never asked: repeated failures lock the user for everybody who uses it", Expects: "401", Fake: "401",
		},
		{
			ID: "notes/1.4/zone", Section: "notes 1.4", Evidence: "LIVE", Requests: 1,
			Title: "Zone information needs no login and names zoneName, url, webUrl and ci; url ends with a slash, without a version",
			Asks:  "GET zoneInformation of this user, without the secret", Expects: "200 with the four members; url at this origin", Fake: "the same",
			run: zoneOfUser,
		},
		{
			ID: "notes/1.4/unknown-user", Section: "notes 1.4", Evidence: "LIVE", Requests: 1,
			Title: "Zone information of a user that does not exist is 500 with errors",
			Asks:  "GET zoneInformation of an invented user", Expects: "500 with errors", Fake: "the same",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.zoneInformation(ctx, "nobody@conformance.invalid")
				if err != nil {
					return "", err
				}
				return "", refused(a)
			},
		},
		{
			ID: "question/1.5/version", Section: "notes 1.5", Evidence: "SWAGGER", Question: true, Requests: 1,
			Title: "Does GET Version answer?", Asks: "GET Version", Fake: "200",
			run: func(ctx context.Context, r *run) (string, error) {
				a, err := r.get(ctx, "Version")
				if err != nil {
					return "", err
				}
				return a.describe(), nil
			},
		},
		{
			ID: "notes/1.5/modules", Section: "notes 1.5", Evidence: "LIVE, SWAGGER", Requests: 1,
			Title: "Modules are answered as modules, with key and value",
			Asks:  "GET Modules", Expects: `{"modules":[{"key","value"}]}`, Fake: "the same",
			run: modules,
		},
		{
			ID: "notes/5.1/threshold", Section: "notes 5.1", Evidence: "SWAGGER, LIVE", Requests: thresholdReadings,
			Title: "ThresholdInformation has limit, minutes and use, and counts as a request itself",
			Asks:  "GET ThresholdInformation until the use changes, up to four times", Expects: "the three numbers, and a change", Fake: "the same",
			run: threshold,
		},
		{
			ID: "notes/5.2/threads", Section: "notes 5.2", Evidence: "DOC, LIVE",
			Title: "The fourth request in flight on one endpoint is 429",
			Asks:  "never asked: it would take the place of the tenant's other programs", Expects: "429", Fake: "429",
		},
		{
			ID: "question/18/date", Section: "notes 12.2", Evidence: "INFER", Question: true, Requests: 1,
			Title: "Do answers have a Date header, and how far is it from this computer's clock?",
			Asks:  "GET ThresholdInformation; the headers of all answers so far", Fake: "a Date header, of its own clock",
			run: func(ctx context.Context, r *run) (string, error) {
				if _, err := r.get(ctx, "ThresholdInformation"); err != nil {
					return "", err
				}
				return r.wire.dates(), nil
			},
		},
	}
}

func otherCasing(ctx context.Context, r *run) (string, error) {
	var statuses []string
	for _, service := range []string{"atservicesrest", "ATSERVICESREST"} {
		a, err := r.send(ctx, request{method: http.MethodGet, path: r.wire.beside("/" + service + "/V1.0/Tickets/entityInformation"), loose: true})
		if err != nil {
			return "", err
		}
		if a.status < 300 {
			return "", failf("%s is answered with %d; on some servers that has been seen, see notes 1.1", service, a.status)
		}
		statuses = append(statuses, fmt.Sprint(a.status))
	}
	return "statuses " + strings.Join(statuses, " and "), nil
}

// zoneInformation is asked at the tenant's own host, which any zone answers.
func (r *run) zoneInformation(ctx context.Context, user string) (*answer, error) {
	return r.send(ctx, request{method: http.MethodGet, path: "zoneInformation?user=" + url.QueryEscape(user), anonymous: true})
}

func zoneOfUser(ctx context.Context, r *run) (string, error) {
	a, err := r.zoneInformation(ctx, r.wire.creds.UserName)
	if err != nil {
		return "", err
	}
	if err := granted(a, "ask for its zone"); err != nil {
		return "", err
	}
	if gone := missing(a.data, "zoneName", "url", "webUrl", "ci"); len(gone) > 0 {
		return "", failf("without %s", strings.Join(gone, ", "))
	}
	u, err := url.Parse(text(a.data["url"]))
	switch {
	case err != nil || u.Host == "" || text(a.data["webUrl"]) == "":
		return "", failf("url or webUrl is no address")
	case !strings.HasSuffix(u.Path, "/"):
		return "", failf("url does not end with a slash")
	case strings.Contains(strings.ToLower(u.Path), "v1.0"):
		return "", failf("url has a version")
	case !strings.EqualFold(u.Host, r.wire.base.Host):
		return "url names another host than the base URL: the tenant may have moved, or the base URL is that of a proxy", nil
	}
	return "", nil
}

func modules(ctx context.Context, r *run) (string, error) {
	a, err := r.get(ctx, "Modules")
	if err != nil {
		return "", err
	}
	if err := granted(a, "read the modules"); err != nil {
		return "", err
	}
	list, ok := objects(a.data["modules"])
	if !ok || len(list) == 0 {
		return "", failf("there is no list modules")
	}
	for _, m := range list {
		if len(missing(m, "key", "value")) > 0 {
			return "", failf("a module has no key or no value")
		}
	}
	return fmt.Sprintf("%d modules", len(list)), nil
}

func threshold(ctx context.Context, r *run) (string, error) {
	var first int64
	for i := range thresholdReadings {
		a, err := r.get(ctx, "ThresholdInformation")
		if err != nil {
			return "", err
		}
		if err := granted(a, "read the use of the limit"); err != nil {
			return "", err
		}
		for _, name := range []string{"externalRequestThreshold", "requestThresholdTimeframe", "currentTimeframeRequestCount"} {
			if !isNumber(a.data[name]) {
				return "", failf("%s is not a number", name)
			}
		}
		used, _ := whole(a.data["currentTimeframeRequestCount"])
		if i == 0 {
			first = used
		} else if used != first {
			limit, _ := whole(a.data["externalRequestThreshold"])
			return fmt.Sprintf("limit %d", limit), nil
		}
	}
	return "", failf("the use did not change in %d requests", thresholdReadings)
}

// thresholdReadings is more than two, since a new request may come in just as an
// old one falls out of the window.
const thresholdReadings = 4

// dates says what the Date headers have told so far.
func (w *wire) dates() string {
	if len(w.skews) == 0 {
		return fmt.Sprintf("none of %d answers had a Date header", w.undated)
	}
	low, high := w.skews[0], w.skews[0]
	for _, s := range w.skews {
		low, high = min(low, s), max(high, s)
	}
	// The header is floored to the second, so the clock is up to a second later.
	return fmt.Sprintf("%s answers had a Date header; the tenant's clock is between %s and %s seconds ahead of this one",
		percent(len(w.skews), len(w.skews)+w.undated), tenths(high), tenths(low+time.Second))
}

// tenths is a number of seconds, never "-0.0".
func tenths(d time.Duration) string {
	return fmt.Sprintf("%.1f", math.Round(d.Seconds()*10)/10+0)
}

// refused demands Autotask's form of a refusal: 500 with a text in errors.
func refused(a *answer) error {
	switch {
	case a.denied():
		return skip("this user may not do it at all")
	case a.status != http.StatusInternalServerError:
		return failf("not refused with 500: %s", a.describe())
	case len(a.errors()) == 0:
		return failf("500 without a text in errors")
	}
	return nil
}
