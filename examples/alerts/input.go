package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotask-go/autotask/examples/internal/connect"
)

// report is an alert as one line of JSON.
type report struct {
	Company  string    `json:"company"` // name, domain or mail address
	Key      string    `json:"key"`
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Title    string    `json:"title"`
	Text     string    `json:"text"`
	Severity string    `json:"severity"`
	Over     bool      `json:"over"` // resolve the ticket
}

const maxLine = 1 << 20

// read reads all reports before anything is sent.
func read(stdin io.Reader, o options, args []string) ([]report, error) {
	var reports []report
	var err error
	switch {
	case o.nagios:
		reports, err = readNagios(args)
	case o.alertmanager:
		reports, err = readAlertmanager(stdin)
	default:
		reports, err = readLines(stdin)
	}
	if err != nil {
		return nil, connect.Usage("nothing was sent: %w", err)
	}
	for i, r := range reports {
		if r.Company == "" {
			reports[i].Company = o.company
		}
		if reports[i].Company == "" {
			return nil, connect.Usage("nothing was sent: the alert %q names no company, and -company is missing", r.Key)
		}
	}
	return reports, nil
}

func readLines(stdin io.Reader) (reports []report, err error) {
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var r report
		decoder := json.NewDecoder(strings.NewReader(lines.Text()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if r.Key == "" || !r.Over && (r.Event == "" || r.Title == "") {
			return nil, fmt.Errorf("line %d: key, event and title are required", n)
		}
		reports = append(reports, r)
	}
	return reports, lines.Err()
}

// alertmanagerBody is what Alertmanager sends to a webhook, version 4:
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
type alertmanagerBody struct {
	Version string `json:"version"`
	Alerts  []struct {
		Status      string            `json:"status"` // firing or resolved
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		Fingerprint string            `json:"fingerprint"`
	} `json:"alerts"`
}

// readAlertmanager identifies an alert by its labels, and an event by the time from
// which it fires. Alertmanager repeats what still fires: that is the same event.
func readAlertmanager(stdin io.Reader) (reports []report, err error) {
	var body alertmanagerBody
	if err := json.NewDecoder(io.LimitReader(stdin, maxLine)).Decode(&body); err != nil {
		return nil, fmt.Errorf("the body of an Alertmanager webhook: %w", err)
	}
	if body.Version != "4" {
		return nil, fmt.Errorf("the body of an Alertmanager webhook has version %q, not 4", body.Version)
	}
	for _, a := range body.Alerts {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
			if name != "severity" && name != "company" { // these may change while it fires
				labels = append(labels, name+"="+a.Labels[name])
			}
		}
		title := a.Annotations["summary"]
		if title == "" {
			title = strings.TrimSpace(a.Labels["alertname"] + " " + a.Labels["instance"])
		}
		reports = append(reports, report{
			Company: a.Labels["company"], Key: strings.Join(labels, ","), Event: a.StartsAt.UTC().Format(time.RFC3339Nano), At: a.StartsAt,
			Title: title, Text: strings.TrimSpace(a.Annotations["description"] + "\n\n" + strings.Join(labels, "\n")),
			Severity: a.Labels["severity"], Over: a.Status == "resolved",
		})
	}
	return reports, nil
}

// readNagios reads the arguments of a notification command: $HOSTNAME$, $SERVICEDESC$
// (empty for the host itself), $SERVICESTATE$, $TIMET$ and $SERVICEOUTPUT$.
func readNagios(args []string) ([]report, error) {
	const wanted = 5
	if len(args) != wanted {
		return nil, fmt.Errorf("-nagios needs HOST SERVICE STATE TIME OUTPUT; %d arguments given", len(args))
	}
	host, service, state, output := args[0], args[1], strings.ToUpper(args[2]), args[4]
	seconds, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time in seconds, as $TIMET$ is", args[3])
	}
	what := strings.TrimSuffix(host+"/"+service, "/")
	return []report{{
		Key: "nagios/" + what, Event: state + "-" + args[3], At: time.Unix(seconds, 0),
		Title: state + ": " + what, Text: output, Severity: strings.ToLower(state), Over: state == "OK" || state == "UP",
	}}, nil
}
