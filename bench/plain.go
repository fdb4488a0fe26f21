package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/bytedance/sonic"
	goccy "github.com/goccy/go-json"
)

// The contenders that are written by hand: net/http, and one decode of each
// answer into a struct of all 75 fields. plain and clientTimeout differ in how
// they bound the time that a request takes, the others in what decodes, and in
// what into.
const (
	clientTimeout = "plain, Client.Timeout"
	jsonValues    = "encoding/json into values"
	goccyName     = "goccy/go-json"
	sonicName     = "bytedance/sonic"
)

func init() {
	register(contender{name: plain, open: byHand[plainTicket]{codec: stdlib, is: pointers}.open})
	register(contender{name: clientTimeout, open: byHand[plainTicket]{codec: stdlib, is: pointers, ofClient: true}.open})
	register(contender{name: jsonValues, open: byHand[valueTicket]{codec: stdlib, is: values}.open})
	register(contender{name: goccyName, open: byHand[plainTicket]{codec: goccyCodec, is: pointers}.open})
	register(contender{name: sonicName, open: byHand[plainTicket]{codec: sonicCodec, is: pointers}.open})
}

// codec is a JSON library, used as its documentation shows.
type codec struct {
	marshal func(any) ([]byte, error)
	decode  func(io.Reader, any) error
}

var (
	stdlib     = codec{json.Marshal, func(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }}
	goccyCodec = codec{goccy.Marshal, func(r io.Reader, v any) error { return goccy.NewDecoder(r).Decode(v) }}
	sonicCodec = codec{sonic.Marshal, func(r io.Reader, v any) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return sonic.Unmarshal(b, v)
	}}
)

// access is how the operations get at a ticket of a type.
type access[T any] struct {
	id            func(*T) int64
	resolution    func(*T) string
	setResolution func(*T, string)
}

var (
	pointers = access[plainTicket]{
		id: func(t *plainTicket) int64 { return *t.ID },
		resolution: func(t *plainTicket) string {
			if t.Resolution == nil {
				return ""
			}
			return *t.Resolution
		},
		setResolution: func(t *plainTicket, text string) { t.Resolution = &text },
	}
	values = access[valueTicket]{
		id:            func(t *valueTicket) int64 { return t.ID },
		resolution:    func(t *valueTicket) string { return t.Resolution },
		setResolution: func(t *valueTicket, text string) { t.Resolution = text },
	}
)

// byHand is what a competent engineer writes. It looks at the status and at
// nothing else; it repeats, limits and bounds nothing but the time that a
// request takes. For an update it sends the same requests as this library, GET,
// PUT and GET, and compares the field it has set.
type byHand[T any] struct {
	codec    codec
	is       access[T]
	ofClient bool // the time limit is the http.Client's, not the context's
}

const timeLimit = 2 * time.Minute

func (h byHand[T]) open(s service) operations {
	client := &http.Client{Transport: s.transport}
	if h.ofClient {
		client.Timeout = timeLimit
	}
	send := func(ctx context.Context, method, url string, body, answer any) error {
		if !h.ofClient {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeLimit)
			defer cancel()
		}
		var r io.Reader
		if body != nil {
			b, err := h.codec.marshal(body)
			if err != nil {
				return err
			}
			r = bytes.NewReader(b)
		}
		req, err := http.NewRequestWithContext(ctx, method, url, r)
		if err != nil {
			return err
		}
		sign(req)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, url, resp.Status)
		}
		return h.codec.decode(resp.Body, answer)
	}
	get := func(ctx context.Context, path string) (*T, error) {
		var answer struct {
			Item *T `json:"item"`
		}
		if err := send(ctx, http.MethodGet, s.baseURL+path, nil, &answer); err != nil {
			return nil, err
		}
		if answer.Item == nil {
			return nil, fmt.Errorf("%s: not found", path)
		}
		return answer.Item, nil
	}
	page := func(ctx context.Context, url string) (items []*T, next string, err error) {
		var answer struct {
			Items       []*T `json:"items"`
			PageDetails struct {
				NextPageURL *string `json:"nextPageUrl"`
			} `json:"pageDetails"`
		}
		if err := send(ctx, http.MethodPost, url, json.RawMessage(queryBody), &answer); err != nil {
			return nil, "", err
		}
		if answer.PageDetails.NextPageURL != nil {
			next = *answer.PageDetails.NextPageURL
		}
		return answer.Items, next, nil
	}
	type itemID struct {
		ItemID int64 `json:"itemId"`
	}
	return operations{
		get: func(ctx context.Context) (int64, error) {
			t, err := get(ctx, ticketPath)
			if err != nil {
				return 0, err
			}
			return h.is.id(t), nil
		},
		list500: func(ctx context.Context) (int64, error) {
			items, _, err := page(ctx, s.baseURL+queryPath)
			return int64(len(items)), err
		},
		all20x500: func(ctx context.Context) (int64, error) {
			var n int64
			for next := s.baseURL + queryPath; next != ""; {
				items, following, err := page(ctx, next)
				if err != nil {
					return n, err
				}
				n += int64(len(items))
				next = following
			}
			return n, nil
		},
		note: func(ctx context.Context) (int64, error) {
			var answer itemID
			err := send(ctx, http.MethodPost, s.baseURL+ticketPath+notesPath, &sampleNote, &answer)
			return answer.ItemID, err
		},
		update: func(ctx context.Context) (int64, error) {
			t, err := get(ctx, editedPath)
			if err != nil {
				return 0, err
			}
			h.is.setResolution(t, newResolution)
			var answer itemID
			if err := send(ctx, http.MethodPut, s.baseURL+ticketsPath, t, &answer); err != nil {
				return 0, err
			}
			if t, err = get(ctx, editedPath); err != nil {
				return 0, err
			}
			if got := h.is.resolution(t); got != newResolution {
				return 0, fmt.Errorf("the resolution is %q", got)
			}
			return h.is.id(t), nil
		},
	}
}

// sign sets the headers that every request has.
func sign(req *http.Request) {
	req.Header.Set("UserName", userName)
	req.Header.Set("Secret", secret)
	req.Header.Set("ApiIntegrationCode", integrationCode)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "bench")
	if req.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
}

// plainNote is a new note, as it is sent.
type plainNote struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	NoteType    int64  `json:"noteType"`
	Publish     int64  `json:"publish"`
	TicketID    int64  `json:"ticketID"`
}
