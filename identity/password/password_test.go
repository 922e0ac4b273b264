package password_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/password"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cheap is enough to tell right from wrong.
var cheap = password.Parameters{Memory: 64, Passes: 1, Threads: 1}

func hasher(t *testing.T, o password.Options) *password.Hasher {
	t.Helper()
	if o.Parameters == (password.Parameters{}) {
		o.Parameters = cheap
	}
	if o.Share == 0 {
		o.Share = 1
	}
	h, err := password.NewHasher(o)
	require.NoError(t, err)
	return h
}

// TestAgainstTheReference: a hash that the reference implementation made (argon2id, version 1.3, of its README's family of commands) is right.
func TestAgainstTheReference(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Options{})
	// printf password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 (test.c of the reference implementation)
	key, err := hex.DecodeString("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7")
	require.NoError(t, err)
	b64 := base64.RawStdEncoding.EncodeToString
	stored := fmt.Sprintf("$argon2id$v=19$m=65536,t=2,p=1$%s$%s", b64([]byte("somesalt")), b64(key))
	right, old, err := h.Check(t.Context(), "password", stored)
	require.NoError(t, err)
	require.True(t, right)
	require.True(t, old, "its parameters are others than ours")
	right, _, err = h.Check(t.Context(), "Password", stored)
	require.NoError(t, err)
	require.False(t, right)
}

func TestHashes(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Options{})
	rapid.Check(t, func(t *rapid.T) {
		secret, other := rapid.String().Draw(t, "secret"), rapid.String().Draw(t, "other")
		stored, err := h.Hash(context.Background(), secret)
		require.NoError(t, err)
		again, err := h.Hash(context.Background(), secret)
		require.NoError(t, err)
		require.NotEqual(t, stored, again, "each has a salt of its own")
		right, old, err := h.Check(context.Background(), other, stored)
		require.NoError(t, err)
		require.Equal(t, secret == other, right)
		require.False(t, old)
	})
}

func TestNobody(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Options{})
	for _, secret := range []string{"", "x", "nobody"} {
		right, old, err := h.Check(t.Context(), secret, "")
		require.NoError(t, err)
		require.False(t, right)
		require.False(t, old)
	}
}

func TestOlderParametersAreMadeAnew(t *testing.T) {
	t.Parallel()
	stored, err := hasher(t, password.Options{}).Hash(t.Context(), "a long secret")
	require.NoError(t, err)
	newer := hasher(t, password.Options{Parameters: password.Parameters{Memory: 128, Passes: 1, Threads: 1}})
	right, old, err := newer.Check(t.Context(), "a long secret", stored)
	require.NoError(t, err)
	require.True(t, right)
	require.True(t, old)
	_, old, err = newer.Check(t.Context(), "another", stored)
	require.NoError(t, err)
	require.False(t, old)
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := hasher(t, password.Options{})
	good, err := h.Hash(t.Context(), "x")
	require.NoError(t, err)
	for _, stored := range []string{
		"x", "$", "$argon2i" + strings.TrimPrefix(good, "$argon2id"), strings.Replace(good, "v=19", "v=16", 1), strings.Replace(good, "m=64", "m=4294967295", 1),
		strings.Replace(good, "m=64", "m=7", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "t=1", "t=1000", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=1,x=1", 1), strings.Replace(good, "p=1", "p=255", 1), good + "=", good[:len(good)-30], good + "$", strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
	} {
		_, _, err := h.Check(t.Context(), "x", stored)
		require.Error(t, err, stored)
	}
	_, err = password.NewHasher(password.Options{Parameters: password.Parameters{Memory: 1, Passes: 1, Threads: 1}})
	require.Error(t, err)
}

// TestTurns: who finds too many before him is sent away at once, and who waits too long or goes away does not hash.
func TestTurns(t *testing.T) {
	t.Parallel()
	slow := password.Parameters{Memory: 8 << 10, Passes: 4, Threads: 1}
	h := hasher(t, password.Options{Parameters: slow, Waiting: 1, Patience: time.Hour})
	var group sync.WaitGroup
	refused := make(chan error, 50)
	for range 50 {
		group.Go(func() {
			_, err := h.Hash(context.Background(), "x")
			refused <- err
		})
	}
	group.Wait()
	close(refused)
	done, busy := 0, 0
	for err := range refused {
		if err == nil {
			done++
			continue
		}
		require.Equal(t, domain.CodeOverloaded, domain.CodeOf(err))
		busy++
	}
	require.NotZero(t, done)
	require.Equal(t, 50, done+busy)

	// One that hashed has to rest: the next one's patience ends before.
	impatient := hasher(t, password.Options{Parameters: slow, Share: 1e-9, Patience: time.Nanosecond})
	_, err := impatient.Hash(t.Context(), "x")
	require.NoError(t, err)
	_, err = impatient.Hash(t.Context(), "x")
	require.Equal(t, domain.CodeOverloaded, domain.CodeOf(err))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	waiting := hasher(t, password.Options{Parameters: slow, Share: 1e-9, Patience: time.Hour})
	_, err = waiting.Hash(t.Context(), "x")
	require.NoError(t, err)
	_, err = waiting.Hash(gone, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestNewPasswords(t *testing.T) {
	t.Parallel()
	for secret, why := range map[string]string{
		"short":                    "at least 8",
		strings.Repeat("ab1€", 33): "at most 128",
		"password":                 "tried first",
		"PassWord1":                "",
		"iloveyou":                 "tried first",
		"summer2026!":              "common one",
		"aaaabbbbaaaa":             "different characters",
		"abcdefghijkl":             "follow each other",
		"987654321":                "",
		"zyxwvuts":                 "follow each other",
		"ann.smith1":               "others know",
		"MassRouter1":              "others know",
		"tab\tinside it":           "control",
		"broken \xff text":         "UTF-8",
	} {
		err := password.CheckNew(secret, "ann.smith", "Ann")
		require.Equal(t, password.CodeWeak, domain.CodeOf(err), secret)
		require.ErrorContains(t, err, why, secret)
	}
	for _, secret := range []string{"correct horse battery staple", "mzq8#vLp", "密码很长但没有规则", "ann.smith rides a red bicycle", "        spaces are fine"} {
		require.NoError(t, password.CheckNew(password.Normal(secret), "ann.smith", "Ann"), secret)
	}
	require.Equal(t, password.Normal("ｐａｓｓ"), password.Normal("pass"))
	require.Error(t, password.CheckNew(password.Normal("ｐａｓｓｗｏｒｄ")))
}

func BenchmarkCheck(b *testing.B) {
	h, err := password.NewHasher(password.Options{Share: 1})
	require.NoError(b, err)
	stored, err := h.Hash(b.Context(), "a long secret")
	require.NoError(b, err)
	for b.Loop() {
		_, _, err := h.Check(b.Context(), "a long secret", stored)
		require.NoError(b, err)
	}
}
