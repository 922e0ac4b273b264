package seal_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/seal"
)

// TestOnlyTheSameOpens: what is sealed opens with the same secret, purpose and bound bytes, and with nothing else.
func TestOnlyTheSameOpens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringN(1, 20, -1)
		secret, purpose := word.Draw(rt, "secret"), word.Draw(rt, "purpose")
		text, bound := rapid.SliceOf(rapid.Byte()).Draw(rt, "text"), rapid.SliceOf(rapid.Byte()).Draw(rt, "bound")
		salt, sealed, err := seal.Seal(secret, purpose, text, bound)
		require.NoError(rt, err)
		require.Len(rt, salt, seal.SaltBytes)
		got, err := seal.Open(secret, purpose, salt, sealed, bound)
		require.NoError(rt, err)
		require.True(rt, bytes.Equal(text, got))

		damaged := bytes.Clone(sealed)
		damaged[rapid.IntRange(0, len(sealed)-1).Draw(rt, "at")] ^= 1
		for _, open := range []func() ([]byte, error){
			func() ([]byte, error) { return seal.Open(secret+"x", purpose, salt, sealed, bound) },
			func() ([]byte, error) { return seal.Open(secret, purpose+"x", salt, sealed, bound) },
			func() ([]byte, error) { return seal.Open(secret, purpose, salt, sealed, append(bytes.Clone(bound), 0)) },
			func() ([]byte, error) { return seal.Open(secret, purpose, salt[1:], sealed, bound) },
			func() ([]byte, error) { return seal.Open(secret, purpose, salt, damaged, bound) },
		} {
			_, err := open()
			require.Error(rt, err)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	name := func(secret, purpose, content string) [32]byte {
		n, err := seal.Name(secret, purpose, []byte(content))
		require.NoError(t, err)
		return n
	}
	again := name("s", "p", "c")
	require.Equal(t, name("s", "p", "c"), again)
	require.NotEqual(t, name("s", "p", "c"), name("t", "p", "c"))
	require.NotEqual(t, name("s", "p", "c"), name("s", "q", "c"))
	require.NotEqual(t, name("s", "p", "c"), name("s", "p", "d"))
}

func TestWithoutASecret(t *testing.T) {
	t.Parallel()
	_, _, err := seal.Seal("", "p", []byte("text"), nil)
	require.Error(t, err)
	_, err = seal.Name("", "p", nil)
	require.Error(t, err)
}
