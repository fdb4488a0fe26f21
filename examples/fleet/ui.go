package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"riverqueue.com/riverui"
)

// serveUI serves River's own UI at an address, "" for none, and returns its URL.
func (e *engine) serveUI(ctx context.Context, address string, log *slog.Logger) (url string, stop func(), err error) {
	if address == "" {
		return "", func() {}, nil
	}
	handler, err := riverui.NewHandler(&riverui.HandlerOpts{Endpoints: e.ui(), Logger: log})
	if err != nil {
		return "", nil, err
	}
	ctx, end := context.WithCancel(ctx)
	if err := handler.Start(ctx); err != nil {
		end()
		return "", nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		end()
		return "", nil, err
	}
	// A page of another site must not reach it through the user's browser.
	guard := http.NewCrossOriginProtection()
	srv := &http.Server{Handler: guard.Handler(loopbackOnly(handler)), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("River's UI has ended", "error", err)
		}
	}()
	return "http://" + listener.Addr().String(), func() {
		_ = srv.Close()
		end()
	}, nil
}

// loopbackOnly refuses requests for another name than a loopback address, as a page of
// another site makes them whose name was made to mean this machine.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this is served on loopback only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
