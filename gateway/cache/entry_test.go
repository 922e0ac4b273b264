package cache_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/cache"
)

func drawEntry(t *rapid.T) cache.Entry {
	return cache.Entry{
		Generation: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "generation")),
		Dialect:    rapid.String().Draw(t, "dialect"), Model: rapid.String().Draw(t, "model"), Provider: rapid.String().Draw(t, "provider"), Charge: rapid.String().Draw(t, "charge"),
		Created: rapid.Int64().Draw(t, "created"), Streamed: rapid.Bool().Draw(t, "streamed"),
		Answer:   rapid.SliceOfN(rapid.Byte(), 1, -1).Draw(t, "answer"),
		StoredAt: time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "stored")),
	}
}

// TestAnEntryComesBack: what is written is read, and no part of it alone.
func TestAnEntryComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEntry(rt)
		b := e.Encode()
		got, err := cache.Decode(b)
		require.NoError(rt, err)
		require.Equal(rt, e, got)
		_, err = cache.Decode(b[:rapid.IntRange(0, len(b)-1).Draw(rt, "cut")])
		require.Error(rt, err)
		_, err = cache.Decode(append(b, 0))
		require.Error(rt, err)
	})
}

func TestEventsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type event struct {
			name string
			data []byte
		}
		var want, got []event
		var stream []byte
		for range rapid.IntRange(0, 5).Draw(rt, "events") {
			e := event{rapid.String().Draw(rt, "name"), append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(rt, "data")...)}
			want = append(want, e)
			stream = cache.AppendEvent(stream, e.name, e.data)
		}
		for len(stream) > 0 {
			name, data, rest, ok := cache.Event(stream)
			require.True(rt, ok)
			got, stream = append(got, event{name, append([]byte{}, data...)}), rest
		}
		require.Equal(rt, want, got)
	})
}

func FuzzDecode(f *testing.F) {
	e := cache.Entry{Dialect: "openai", Answer: []byte("{}")}
	f.Add(e.Encode())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := cache.Decode(b); err == nil {
			again, err := cache.Decode(e.Encode())
			require.NoError(t, err)
			require.Equal(t, e, again)
		}
		for rest := b; len(rest) > 0; {
			_, _, more, ok := cache.Event(rest)
			if !ok {
				return
			}
			require.Less(t, len(more), len(rest))
			rest = more
		}
	})
}
