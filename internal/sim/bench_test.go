package sim_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// benchBody is about what a small chat sends.
func benchBody(more ...string) string {
	fields := append([]string{
		`"model":"sim-large?tokens=16"`, `"max_tokens":64`, `"temperature":0.7`,
		`"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"` + strings.Repeat("word ", 60) + `"}]`,
	}, more...)
	return "{" + strings.Join(fields, ",") + "}"
}

// discard is a response writer that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Flush()                      {}

// BenchmarkHandler is the simulator's own work, without net/http and sockets.
func BenchmarkHandler(b *testing.B) {
	for name, body := range map[string]string{"body": benchBody(), "stream": benchBody(streamed, withUsage)} {
		b.Run(name, func(b *testing.B) {
			s := setup(b)
			r := s.request(b.Context(), b, body)
			reader := strings.NewReader(body)
			r.Body = io.NopCloser(reader)
			w := &discard{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				s.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkDialects is the same for all dialects, each with 16 tokens.
func BenchmarkDialects(b *testing.B) {
	for _, speech := range speeches() {
		for _, stream := range []bool{false, true} {
			if stream && speech.embeds {
				continue
			}
			b.Run(fmt.Sprintf("%s/stream=%t", speech.name, stream), func(b *testing.B) {
				var more []string
				if speech.embeds {
					more = append(more, `"dimensions":64`)
				}
				s, body := setup(b), speech.body("sim-large?tokens=16", stream, more...)
				reader := strings.NewReader(body)
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+speech.path("sim-large?tokens=16", stream), nil)
				require.NoError(b, err)
				r.Header.Set("Content-Type", "application/json")
				for i := 0; i+1 < len(speech.headers); i += 2 {
					r.Header.Set(speech.headers[i], speech.headers[i+1])
				}
				r.Body = io.NopCloser(reader)
				w := &discard{header: make(http.Header)}
				b.ReportAllocs()
				for b.Loop() {
					reader.Reset(body)
					s.ServeHTTP(w, r)
				}
				require.Equal(b, s.Totals().Calls, s.Totals().Completed)
			})
		}
	}
}

// BenchmarkLoopback is calls over sockets by clients that do next to nothing themselves; cpu-us/op is what both took.
func BenchmarkLoopback(b *testing.B) {
	for name, body := range map[string]string{
		"body": benchBody(), "stream": benchBody(streamed, withUsage),
		"flushed": strings.Replace(benchBody(streamed, withUsage), "tokens=16", "tokens=16&flush=1", 1),
	} {
		b.Run(name, func(b *testing.B) {
			s := setup(b)
			address := strings.TrimPrefix(s.url, "http://")
			call := fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", apiKey, len(body), body)
			b.ReportAllocs()
			b.SetParallelism(4)
			before := cpu(b)
			b.RunParallel(func(pb *testing.PB) {
				conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
				if err != nil {
					b.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				lines := bufio.NewReaderSize(conn, 64<<10)
				for pb.Next() {
					if err := roundTrip(conn, lines, call); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			require.Equal(b, s.Totals().Calls, s.Totals().Completed)
		})
	}
}

// roundTrip sends a call and reads to the end of its answer: the usage's line of a body, or the last chunk of a stream.
func roundTrip(conn net.Conn, lines *bufio.Reader, call []byte) error {
	if _, err := conn.Write(call); err != nil {
		return err
	}
	status, err := lines.ReadSlice('\n')
	if err != nil || !bytes.Contains(status, []byte(" 200 ")) {
		return fmt.Errorf("answer %q: %w", status, err)
	}
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(line, []byte(`{"id"`)), bytes.Equal(line, []byte("0\r\n")):
			if line[0] == '0' {
				_, err = lines.ReadSlice('\n')
			}
			return err
		}
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
