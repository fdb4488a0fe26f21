package autotask

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/autotask-go/autotask/internal/transport"
)

// ticketPage opens a ticket in the web interface, for whoever is logged in there
// or logs in then (the vendor's ExecuteCommand API, which takes the id or the
// number of a ticket).
const ticketPage = "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID="

// TicketURL returns the address of a ticket in Autotask's web interface, for a
// person to open. It does not look whether there is such a ticket.
//
// The web interface of a tenant is on a host of its own, which zone discovery
// names (GET zoneInformation, once for a client and without credentials). With
// WithBaseURL the zone's own host is asked, unless WithZoneURL names another.
// The error is ErrServer if the answer names no web interface.
func (c *Client) TicketURL(ctx context.Context, id int64) (string, error) {
	if id <= 0 {
		return "", wrong("%d is not the id of a ticket", id)
	}
	web, err := c.core.webURLs.Get(ctx, "", c.core.findWeb)
	if err != nil {
		return "", asError(http.MethodGet, zonePath, err)
	}
	return web + ticketPage + strconv.FormatInt(id, 10), nil
}

// findWeb asks for the address of the web interface. Every zone can tell it.
func (c *core) findWeb(ctx context.Context) (string, error) {
	where := c.zoneURL
	if c.baseURL != "" && where == defaultZoneURL {
		where = c.baseURL + "/" + zonePath
	}
	var zone struct {
		WebURL Optional[string] `json:"webUrl"`
	}
	err := c.askZone(ctx, where, func(b []byte) error {
		zone.WebURL = Optional[string]{} // nothing of an earlier attempt
		return decode(b, &zone)
	})
	if err != nil {
		return "", err
	}
	web, err := checkWeb(zone.WebURL.Or(""), isLoopbackURL(where))
	if err != nil {
		return "", refusal(transport.Server, http.MethodGet, zonePath, err.Error())
	}
	return web, nil
}

// checkWeb accepts the address of a web interface, with a slash at its end or
// without.
func checkWeb(web string, allowLoopback bool) (string, error) {
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
