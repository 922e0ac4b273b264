package middleware

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/massrouter/massrouter/http/request"
)

// Body bounds a request's body: at most limit bytes, all of them within the given time.
func Body(limit int64, within time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		timed := BodyTime(within)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hasBody(r) {
				r.Body = http.MaxBytesReader(w, r.Body, limit)
			}
			timed.ServeHTTP(w, r)
		})
	}
}

// BodyTime lets a request's body arrive within the given time only, so that a client that sends slowly holds nothing. That
// goes also for a body that no handler reads: the server itself reads on before it answers. The time ends with the body, not
// with the answer.
func BodyTime(within time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if hasBody(r) {
				conn := http.NewResponseController(w)
				if err := conn.SetReadDeadline(time.Now().Add(within)); err == nil {
					r.Body = &timedBody{ReadCloser: r.Body, end: func() { _ = conn.SetReadDeadline(time.Time{}) }}
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// timedBody takes the deadline away once the body has been read to its end. After any other error it stays: the server would
// wait for the rest without it.
type timedBody struct {
	io.ReadCloser
	end func()
}

// Read passes on; at the end of the body the connection is given all the time again.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && b.end != nil {
		b.end()
		b.end = nil
	}
	return n, err
}

// Timeout ends a request's context after a time. Handlers answer for themselves when it ends.
func Timeout(d time.Duration) func(http.Handler) http.Handler {
	return TimeoutBy(func(*http.Request) time.Duration { return d })
}

// TimeoutBy is Timeout with a time that depends on the request.
func TimeoutBy(of func(r *http.Request) time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), of(r))
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// hsts is how long browsers come by TLS only, in seconds: a year.
const hsts = "max-age=31536000"

// Harden sets headers that keep browsers from doing with an API's answers what only pages are for, and caches from
// keeping them. It comes after Client, which knows whether the request came over TLS.
func Harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		if request.ClientOf(r.Context()).Secure {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
