package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

func init() { register(contender{name: floor, open: openFloor}) }

// openFloor sends the requests and throws away what comes back: what no client
// on net/http can do without.
func openFloor(s service) operations {
	client := &http.Client{Transport: s.transport}
	send := func(ctx context.Context, method, path string, body []byte) error {
		req, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		sign(req)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	var (
		ticket = s.baseURL + ticketPath
		edited = s.baseURL + editedPath
		query  = s.baseURL + queryPath
		note   = []byte(noteBody)
		put    = itemOf(full.editedTicket())
	)
	return operations{
		get: func(ctx context.Context) (int64, error) { return ticketID, send(ctx, http.MethodGet, ticket, nil) },
		list500: func(ctx context.Context) (int64, error) {
			return pageSize, send(ctx, http.MethodPost, query, []byte(queryBody))
		},
		all20x500: func(ctx context.Context) (int64, error) {
			err := send(ctx, http.MethodPost, query, []byte(queryBody))
			for n := 1; n < pages && err == nil; n++ {
				err = send(ctx, http.MethodPost, nextPageURL(s.baseURL, n), []byte(queryBody))
			}
			return pages * pageSize, err
		},
		note: func(ctx context.Context) (int64, error) {
			return noteID, send(ctx, http.MethodPost, ticket+notesPath, note)
		},
		update: func(ctx context.Context) (int64, error) {
			for _, r := range []struct {
				method, path string
				body         []byte
			}{{http.MethodGet, edited, nil}, {http.MethodPut, s.baseURL + ticketsPath, put}, {http.MethodGet, edited, nil}} {
				if err := send(ctx, r.method, r.path, r.body); err != nil {
					return 0, err
				}
			}
			return editedID, nil
		},
	}
}
