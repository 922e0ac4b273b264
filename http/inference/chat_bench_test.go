package inference_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/auth"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
)

// BenchmarkChat is a call without sockets on the caller's side: what the gateway itself and its vendor's connection take,
// with the ledger in memory.
func BenchmarkChat(b *testing.B) {
	for name, members := range map[string][]string{"whole": {`"max_tokens":50`}, "stream": {`"max_tokens":50`, `"stream":true`}} {
		b.Run(name, func(b *testing.B) {
			k := gatewaytest.New(b)
			chat := chi.NewRouter()
			inference.NewCalls(k.Gateway, auth.New(k.Keys(), auth.Options{}), inference.CallOptions{}).Mount(chat)
			body := gatewaytest.Body(k.ModelAt(gatewaytest.Canceller, "", free()), members...)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
					require.NoError(b, err)
					req.Header.Set("Authorization", "Bearer "+k.Secret)
					w := &discard{header: http.Header{}}
					chat.ServeHTTP(w, req)
					require.Equal(b, 0, w.failed)
				}
			})
		})
	}
}

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	failed int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d *discard) Flush()                      {}
func (d *discard) WriteHeader(status int) {
	if status != http.StatusOK {
		d.failed = status
	}
}

// free is a price of nothing, so that no number of calls empties the wallet.
func free() catalog.PriceVersion {
	return catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, Price: catalog.Schedule{Base: catalog.Rates{
		usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice("0"),
	}}}
}
