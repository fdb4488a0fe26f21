package autotask_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

const ticketPage = "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID="

func TestTicketURL(t *testing.T) {
	t.Parallel()
	zoneOf := func(web string) httpmock.Responder {
		return httpmock.NewStringResponder(200, `{"zoneName":"Test","url":"https://webservices19.autotask.net/ATServicesRest/","webUrl":"`+web+`","ci":1}`)
	}
	const user = "?user=api-user-4f1c%40example.com"
	for name, c := range map[string]struct {
		opts  []autotask.Option
		asked string
	}{
		"discovered":                     {nil, "https://webservices.autotask.net/ATServicesRest/V1.0/zoneInformation"},
		"discovered elsewhere":           {[]autotask.Option{autotask.WithZoneURL("https://pre.example.com/")}, "https://pre.example.com/ATServicesRest/V1.0/zoneInformation"},
		"given: the zone itself":         {[]autotask.Option{autotask.WithBaseURL(testBase)}, testBase + "/zoneInformation"},
		"given, and where to look it up": {[]autotask.Option{autotask.WithBaseURL(testBase), autotask.WithZoneURL("https://pre.example.com/")}, "https://pre.example.com/ATServicesRest/V1.0/zoneInformation"},
	} {
		for web, want := range map[string]string{
			"https://ww19.autotask.net/":    "https://ww19.autotask.net/",
			"https://ww19.autotask.net":     "https://ww19.autotask.net/",
			" https://WW19.autotask.net/x/": "https://WW19.autotask.net/x/",
		} {
			mock := httpmock.NewMockTransport()
			client, err := autotask.NewClient(testCredentials, append(c.opts, autotask.WithHTTPClient(&http.Client{Transport: mock}), autotask.WithMaxRetries(0))...)
			require.NoError(t, err)
			mock.RegisterResponder(http.MethodGet, c.asked+user, func(req *http.Request) (*http.Response, error) {
				assert.Empty(t, req.Header.Get("Secret"), "the zone is nobody's secret")
				return zoneOf(web)(req)
			})
			for id, text := range map[int64]string{7: "7", 123456789: "123456789"} {
				got, err := client.TicketURL(t.Context(), id)
				require.NoError(t, err, name)
				assert.Equal(t, want+ticketPage+text, got, name)
			}
			assert.Equal(t, 1, mock.GetTotalCallCount(), "one request for a client")
			_, err = client.TicketURL(t.Context(), 0)
			require.ErrorIs(t, err, autotask.ErrInvalid)
		}
	}
}

func TestTicketURL_AnswersThatNameNoWebInterface(t *testing.T) {
	t.Parallel()
	for _, web := range []string{`""`, `null`, `"ww19"`, `"http://ww19.autotask.net/"`, `"javascript:alert(1)"`, `"https://user@ww19.autotask.net/"`, `"https://ww19.autotask.net/?x=1"`, `"%zz"`} {
		client, mock := mocked(t)
		mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"url":"https://webservices19.autotask.net/ATServicesRest/","webUrl":`+web+`}`))
		for range 2 {
			got, err := client.TicketURL(t.Context(), 7)
			require.ErrorIs(t, err, autotask.ErrServer, web)
			assert.Empty(t, got)
		}
		assert.Equal(t, 2, mock.GetTotalCallCount(), "a failure is not kept")
	}
	client, mock := mocked(t)
	mock.RegisterNoResponder(httpmock.NewStringResponder(200, `{"url":"https://webservices19.autotask.net/ATServicesRest/"}`))
	_, err := client.TicketURL(t.Context(), 7)
	require.ErrorContains(t, err, "WithZoneURL")
	mock.RegisterNoResponder(httpmock.NewStringResponder(500, `{"errors":["Zone information could not be determined"]}`))
	_, err = client.TicketURL(t.Context(), 7)
	require.Error(t, err)
}

func TestTicketURL_OfATenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := autotasktest.NewInProcess(t)
		got, err := srv.Client().TicketURL(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, "https://webservices.autotask.test/"+ticketPage+"7", got)
	})
}
