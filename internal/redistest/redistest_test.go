package redistest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/redistest"
)

func TestServerKeepsItsDataThroughAKill(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	o, err := redis.ParseURL(s.URL())
	require.NoError(t, err)
	client := redis.NewClient(o)
	defer func() { require.NoError(t, client.Close()) }()
	require.NoError(t, client.Set(t.Context(), "kept", "42", 0).Err())
	s.Kill(t)
	require.Error(t, client.Get(t.Context(), "kept").Err())
	s.Restart(t)
	require.Equal(t, "42", client.Get(t.Context(), "kept").Val())
}

func TestServersAreSeparate(t *testing.T) {
	t.Parallel()
	one, two := redistest.Start(t), redistest.Start(t)
	require.NotEqual(t, one.URL(), two.URL())
}
