// Otel traces the requests of a client with OpenTelemetry. It is a module of
// its own, so that OpenTelemetry never becomes a dependency of the library.
//
//	cd examples/otel && go run .
//
// It runs on an embedded fake tenant and prints a line for each finished span.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/autotask-go/autotask"
	"github.com/autotask-go/autotask/autotasktest"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(printer{}))
	defer func() { _ = traces.Shutdown(ctx) }()

	srv := autotasktest.Start()
	defer srv.Close()
	client := srv.Client(tracing(traces))
	id := srv.Seed("Tickets", map[string]any{"title": "Backup failed", "status": 1})

	ctx, span := traces.Tracer("nightly").Start(ctx, "resolve ticket")
	defer span.End()
	_, err := client.Resolve(ctx, id, autotask.Resolution{Text: "The backup succeeded.", Status: autotask.StatusComplete})
	return err
}

// tracing makes a span for every attempt, as a child of the caller's. The credentials
// are added below it, so no span can hold them.
func tracing(traces *sdktrace.TracerProvider) autotask.Option {
	return autotask.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(traces))
	})
}

// printer stands in for an exporter.
type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		fmt.Printf("%-16s %8v %s\n", s.Name(), s.EndTime().Sub(s.StartTime()).Round(1000), status(s.Attributes()))
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }

func status(attributes []attribute.KeyValue) string {
	for _, a := range attributes {
		if a.Key == "http.response.status_code" {
			return "status " + a.Value.String()
		}
	}
	return ""
}
