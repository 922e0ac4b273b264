package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/cache"
	"github.com/massrouter/massrouter/internal/redistest"
)

// patient is a budget that a busy machine does not use up.
const patient = time.Minute

type bundle struct {
	*cache.Store
	server *redistest.Server
	client *redis.Client

	mu   sync.Mutex
	uses []cache.Use
}

func setup(t *testing.T, o cache.Options) *bundle {
	t.Helper()
	b := &bundle{server: redistest.Start(t)}
	var err error
	b.client, err = cache.Client(b.server.URL())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.client.Close()) })
	o.Redis, o.OnUse = b.client, func(u cache.Use) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.uses = append(b.uses, u)
	}
	if o.Budget == 0 {
		o.Budget = patient
	}
	b.Store = cache.New(o)
	return b
}

// last is the last use.
func (b *bundle) last() cache.Use {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.uses[len(b.uses)-1]
}

func question(key uuid.UUID, secret, content string) cache.Question {
	q := cache.Question{Caller: cache.Caller{KeyID: key, Secret: secret}}
	copy(q.Digest[:], content)
	return q
}

func entry(answer string) cache.Entry {
	return cache.Entry{Generation: uuid.New(), Dialect: "openai", Model: "m", Provider: "P", Created: 7, Answer: []byte(answer)}
}

func TestAnAnswerIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{})
	key := uuid.New()
	q := question(key, "secret", "one")
	got, asked := b.Get(t.Context(), q, cache.MaxTTL)
	require.Nil(t, got)
	require.True(t, asked)
	require.Equal(t, cache.Miss, b.last())

	e := entry("hello")
	b.Put(t.Context(), q, e, time.Hour)
	require.Equal(t, cache.Stored, b.last())
	got, asked = b.Get(t.Context(), q, cache.MaxTTL)
	require.True(t, asked)
	require.WithinDuration(t, time.Now(), got.StoredAt, patient)
	e.StoredAt = got.StoredAt
	require.Equal(t, e, *got)
	require.Equal(t, cache.Hit, b.last())

	for name, other := range map[string]cache.Question{
		"another question": question(key, "secret", "two"),
		"another key":      question(uuid.New(), "secret", "one"),
		"another secret":   question(key, "rotated", "one"),
	} {
		got, asked := b.Get(t.Context(), other, cache.MaxTTL)
		require.Nil(t, got, name)
		require.True(t, asked, name)
		require.Equal(t, cache.Miss, b.last(), name)
	}
	got, _ = b.Get(t.Context(), q, -time.Second)
	require.Nil(t, got, "older than asked for")

	require.True(t, b.Drop(t.Context(), q))
	got, asked = b.Get(t.Context(), q, cache.MaxTTL)
	require.Nil(t, got)
	require.True(t, asked)
}

func TestAnAnswerEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{})
	q := question(uuid.New(), "secret", "one")
	b.Put(t.Context(), q, entry("x"), cache.MinTTL)
	common, name, err := q.Place()
	require.NoError(t, err)
	life, err := b.client.PTTL(t.Context(), common+name).Result()
	require.NoError(t, err)
	require.LessOrEqual(t, life, cache.MinTTL)
	require.Eventually(t, func() bool {
		got, asked := b.Get(t.Context(), q, cache.MaxTTL)
		return asked && got == nil
	}, patient, 10*time.Millisecond)
	b.Put(t.Context(), question(q.KeyID, "secret", "two"), entry("y"), time.Hour)
	names, err := b.client.ZRange(t.Context(), common+"index", 0, -1).Result()
	require.NoError(t, err)
	require.Len(t, names, 1, "what has ended is forgotten")
	sizes, err := b.client.HGetAll(t.Context(), common+"sizes").Result()
	require.NoError(t, err)
	require.Len(t, sizes, 2)
	require.Equal(t, sizes[names[0]], sizes[""])
}

// TestTheRoomOfAKey: all answers of a key have so much room together; those that end first make room. Other keys have their own.
func TestTheRoomOfAKey(t *testing.T) {
	t.Parallel()
	const room = 4000
	b := setup(t, cache.Options{Room: room, MaxEntry: 3000})
	key, other := uuid.New(), question(uuid.New(), "secret", "other")
	b.Put(t.Context(), other, entry(strings.Repeat("o", 2500)), time.Hour)
	common := ""
	for i := range 12 {
		q := question(key, "secret", fmt.Sprint(i))
		b.Put(t.Context(), q, entry(strings.Repeat("x", 1000)), time.Hour+time.Duration(i)*time.Minute)
		var err error
		common, _, err = q.Place()
		require.NoError(t, err)
		total, err := b.client.HGet(t.Context(), common+"sizes", "").Int64()
		require.NoError(t, err)
		require.LessOrEqual(t, total, int64(room))
	}
	kept := 0
	for i := range 12 {
		if got, _ := b.Get(t.Context(), question(key, "secret", fmt.Sprint(i)), cache.MaxTTL); got != nil {
			kept++
			require.GreaterOrEqual(t, i, 9, "those that end last stay")
		}
	}
	require.Equal(t, 3, kept)
	keys, err := b.client.Keys(t.Context(), common+"*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 5, "three answers, their index and their sizes")
	got, _ := b.Get(t.Context(), other, cache.MaxTTL)
	require.NotNil(t, got)

	b.Put(t.Context(), question(key, "secret", "large"), entry(strings.Repeat("x", 3001)), time.Hour)
	require.Equal(t, cache.TooLarge, b.last())
	for range 3 { // the same answer again takes no more room
		b.Put(t.Context(), other, entry(strings.Repeat("o", 2500)), time.Hour)
	}
	got, _ = b.Get(t.Context(), other, cache.MaxTTL)
	require.NotNil(t, got)

	require.NoError(t, b.client.Del(t.Context(), common+"index").Err())
	for i := range 6 { // an index that was lost does not keep others out
		b.Put(t.Context(), question(key, "secret", "after "+fmt.Sprint(i)), entry(strings.Repeat("x", 1000)), time.Hour)
		require.Equal(t, cache.Stored, b.last())
	}
}

func TestNobodyElseCanReadAnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{})
	q := question(uuid.New(), "my-secret", "my-question")
	b.Put(t.Context(), q, entry("my-answer"), time.Hour)
	keys, err := b.client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 3)
	var all []byte
	for _, key := range keys {
		dump, err := b.client.Dump(t.Context(), key).Result()
		require.NoError(t, err)
		all = append(append(all, key...), dump...)
	}
	for _, text := range []string{"my-secret", "my-question", "my-answer"} {
		require.False(t, bytes.Contains(all, []byte(text)), text)
	}

	common, name, err := q.Place()
	require.NoError(t, err)
	raw, err := b.client.Get(t.Context(), common+name).Bytes()
	require.NoError(t, err)
	for _, damaged := range [][]byte{{}, raw[:10], raw[:len(raw)-1], append(bytes.Clone(raw), 0), append([]byte{raw[0] ^ 1}, raw[1:]...)} {
		require.NoError(t, b.client.Set(t.Context(), common+name, damaged, time.Hour).Err())
		got, asked := b.Get(t.Context(), q, cache.MaxTTL)
		require.Nil(t, got)
		require.True(t, asked)
		require.Equal(t, cache.Unreadable, b.last())
	}
	moved := question(q.KeyID, "my-secret", "another question")
	_, place, err := moved.Place()
	require.NoError(t, err)
	require.NoError(t, b.client.Set(t.Context(), common+place, raw, time.Hour).Err())
	got, _ := b.Get(t.Context(), moved, cache.MaxTTL)
	require.Nil(t, got, "an answer belongs to its question")
}

// TestRedisIsAway: nothing fails, and a server that hangs is not waited for by every call.
func TestRedisIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{Budget: 100 * time.Millisecond, Retry: time.Hour})
	q := question(uuid.New(), "secret", "one")
	b.server.Freeze(t)
	got, asked := b.Get(t.Context(), q, cache.MaxTTL)
	require.Nil(t, got)
	require.False(t, asked)
	require.Equal(t, cache.Away, b.last())
	b.server.Thaw(t)
	_, asked = b.Get(t.Context(), q, cache.MaxTTL)
	require.False(t, asked, "it is left alone for a while")
	b.Put(t.Context(), q, entry("x"), time.Hour)
	require.Equal(t, cache.Away, b.last())
	require.False(t, b.Drop(t.Context(), q))
}

func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{Retry: time.Millisecond})
	q := question(uuid.New(), "secret", "one")
	b.Put(t.Context(), q, entry("x"), time.Hour)
	b.server.Kill(t)
	_, asked := b.Get(t.Context(), q, cache.MaxTTL)
	require.False(t, asked)
	b.server.Restart(t)
	require.Eventually(t, func() bool {
		got, asked := b.Get(t.Context(), q, cache.MaxTTL)
		return asked && got != nil
	}, patient, 10*time.Millisecond)
}

func TestWithoutASecret(t *testing.T) {
	t.Parallel()
	b := setup(t, cache.Options{})
	q := question(uuid.New(), "", "one")
	b.Put(t.Context(), q, entry("x"), time.Hour)
	_, asked := b.Get(t.Context(), q, cache.MaxTTL)
	require.False(t, asked)
	require.False(t, b.Drop(t.Context(), q))
	require.Zero(t, b.client.DBSize(context.WithoutCancel(t.Context())).Val())
}

func TestAnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	_, err := cache.Client("redis://:hidden@[bad")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hidden")
}
