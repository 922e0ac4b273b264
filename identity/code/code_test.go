package code_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/code"
)

func TestDigits(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		digits := code.Digits()
		require.Equal(t, digits, code.NormalDigits(digits))
		seen[digits] = true
	}
	require.Greater(t, len(seen), 950)
	require.Equal(t, "012345", code.NormalDigits(" 012-345\u00a0"))
	for _, typed := range []string{"", "12345", "1234567", "12345a", "１２３４５６", "-12345"} {
		require.Empty(t, code.NormalDigits(typed), typed)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	a, b := code.Token(), code.Token()
	require.NotEqual(t, a, b)
	require.Len(t, a, 43)
	require.NotContains(t, a, "=")
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	codes := code.Recovery()
	require.Len(t, codes, code.RecoveryCount)
	seen := map[string]bool{}
	for _, c := range codes {
		require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`, c)
		require.Equal(t, c, code.NormalRecovery(c))
		require.Equal(t, c, code.NormalRecovery(strings.ToLower(strings.ReplaceAll(c, "-", " "))))
		require.Equal(t, c, code.NormalRecovery(strings.NewReplacer("0", "o", "1", "l").Replace(c)))
		require.False(t, seen[c])
		seen[c] = true
	}
	for _, typed := range []string{"", "x", codes[0] + "0", codes[0][1:], "UUUU-UUUU-UUUU-UUUU"} {
		require.Empty(t, code.NormalRecovery(typed), typed)
	}
}

// TestHashes: another purpose, another owner, another secret: another hash; the parts do not run into each other.
func TestHashes(t *testing.T) {
	t.Parallel()
	h := code.HashOf("verify", []byte("id"), "123456")
	require.True(t, h.Is(code.HashOf("verify", []byte("id"), "123456")))
	for _, other := range []code.Hash{
		code.HashOf("reset", []byte("id"), "123456"), code.HashOf("verify", []byte("ie"), "123456"), code.HashOf("verify", []byte("id"), "123457"),
		code.HashOf("verify", []byte("id1"), "23456"), code.HashOf("verify", []byte("i"), "d123456"),
		{},
	} {
		require.False(t, h.Is(other))
	}
}
