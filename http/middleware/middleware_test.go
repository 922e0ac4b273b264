package middleware_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/request"
)

func start(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	address := start(t, middleware.Body(1000, 20*time.Millisecond)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
	})))
	_, err := fmt.Fprint(dial(t, address), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	require.NoError(t, err)
	require.ErrorIs(t, <-got, os.ErrDeadlineExceeded)
}

func TestTimeOfABodyEndsWithTheBody(t *testing.T) {
	t.Parallel()
	const within = 50 * time.Millisecond
	address := start(t, middleware.Body(1000, within)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		// The answer takes longer than the body may; the request must not end for that.
		select {
		case <-r.Context().Done():
			http.Error(w, "cancelled", http.StatusTeapot)
		case <-time.After(2*within - time.Since(begun)):
			_, _ = io.WriteString(w, "whole")
		}
	})))
	conn := dial(t, address)
	for range 2 { // the connection is good for another request
		_, err := fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "whole", string(body))
	}
}

func TestLargeBodyIsCutOff(t *testing.T) {
	t.Parallel()
	var err error
	handler := middleware.Body(3, time.Minute)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err = io.ReadAll(r.Body)
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("abcd")))
	var tooLarge *http.MaxBytesError
	require.ErrorAs(t, err, &tooLarge)
}

func TestTimeoutEndsTheContext(t *testing.T) {
	t.Parallel()
	var err error
	handler := middleware.Timeout(time.Millisecond)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		err = r.Context().Err()
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestRecoverAnswersOrCuts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		status  int // 0: the connection is cut
	}{
		"before the answer": {func(http.ResponseWriter, *http.Request) { panic("boom") }, http.StatusTeapot},
		"within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("half", 5000))
			panic("boom")
		}, 0},
		"on purpose": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			refuse := func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusTeapot) }
			done := make(chan struct{})
			chain := middleware.Observe(zerolog.New(&log), nil)(middleware.Recover(refuse)(row.handler))
			address := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				chain.ServeHTTP(w, r)
			}))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
			require.NoError(t, err)
			res, err := http.DefaultClient.Do(r)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				err = errors.Join(err, res.Body.Close())
			}
			<-done
			if row.status == 0 {
				require.Error(t, err)
				require.Contains(t, log.String(), `"aborted":true`)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.status, res.StatusCode)
			require.Contains(t, log.String(), "boom")
		})
	}
}

func TestObserveGivesAnIdentityAndStreams(t *testing.T) {
	t.Parallel()
	handler := middleware.Observe(zerolog.Nop(), nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, request.ID(r.Context()).String())
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
	}))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "MADEUP", "/", nil)
	handler.ServeHTTP(w, r)
	require.True(t, w.Flushed)
	require.Equal(t, w.Header().Get(request.Header), w.Body.String())
	require.Len(t, w.Body.String(), 36)

	sent := w.Body.String()
	r.Header.Set(request.Header, sent)
	again := httptest.NewRecorder()
	handler.ServeHTTP(again, r)
	require.Equal(t, sent, again.Header().Get(request.Header))
}
