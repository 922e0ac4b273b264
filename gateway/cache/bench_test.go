package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
	"github.com/massrouter/massrouter/internal/redistest"
)

func BenchmarkDigest(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", size) + `"}]}`)
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				cache.Digest(exchange.Incoming{Dialect: chat.OpenAI, Body: body})
			}
		})
	}
}

// BenchmarkGet is a hit, with Redis on the same machine.
func BenchmarkGet(b *testing.B) {
	client, err := cache.Client(redistest.Start(b).URL())
	require.NoError(b, err)
	defer func() { require.NoError(b, client.Close()) }()
	for _, size := range []int{2 << 10, 200 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) { get(b, client, size) })
	}
}

func get(b *testing.B, client *redis.Client, size int) {
	b.Helper()
	s := cache.New(cache.Options{Redis: client, Budget: patient})
	q := question(uuid.New(), "secret", "one")
	s.Put(b.Context(), q, entry(strings.Repeat("x", size)), time.Hour)
	for b.Loop() {
		if e, _ := s.Get(b.Context(), q, time.Hour); e == nil {
			b.Fatal("there is no answer")
		}
	}
}
