package transport

import (
	"log/slog"
	"net/http"
	"time"
)

// Log records one attempt and how long it waited. LogTo makes one, so that a program
// without a logger does not link log/slog.
type Log func(x *exchange, resp *http.Response, err error, waited time.Duration)

// LogTo returns a Log that writes one record per attempt. It names the operation and its
// result, but never a header, a query string or a body.
func LogTo(l *slog.Logger) Log {
	return func(x *exchange, resp *http.Response, err error, waited time.Duration) {
		level := slog.LevelDebug
		if err != nil || resp.StatusCode >= http.StatusBadRequest {
			level = slog.LevelWarn
		}
		if !l.Enabled(x.Context, level) {
			return
		}
		attrs := []slog.Attr{
			slog.String("operation", Operation(x.request.Method, x.request.Path)),
			slog.Int("attempt", x.attempt),
			slog.Duration("duration", x.received.Sub(x.started)),
			slog.Duration("waited", waited),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", x.scrubCause(withoutURL(err).Error())))
		} else {
			attrs = append(attrs, slog.Int("status", resp.StatusCode))
		}
		l.LogAttrs(x.Context, level, "autotask request", attrs...)
	}
}
