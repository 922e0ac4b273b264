package envelope_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const patience = time.Minute

func newKeyset(t require.TestingT) []byte {
	text, err := envelope.NewKeyset()
	require.NoError(t, err)
	return text
}

func open(t require.TestingT, text []byte) *envelope.Keyring {
	k, err := envelope.Open(text, nil)
	require.NoError(t, err)
	return k
}

func rotate(t require.TestingT, text []byte) []byte {
	next, err := envelope.Rotate(text)
	require.NoError(t, err)
	return next
}

// TestOnlyItsPlaceOpens: a text opens where it was sealed, under a keyset that has its key, unchanged; and nowhere else.
func TestOnlyItsPlaceOpens(t *testing.T) {
	t.Parallel()
	k, other := open(t, newKeyset(t)), open(t, newKeyset(t))
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringN(0, 10, -1)
		at := envelope.Place{Table: word.Draw(rt, "table"), Column: word.Draw(rt, "column"), Row: word.Draw(rt, "row"), Owner: word.Draw(rt, "owner")}
		text := rapid.SliceOf(rapid.Byte()).Draw(rt, "text")
		sealed, err := k.Seal(text, at)
		require.NoError(rt, err)
		got, err := k.Open(sealed, at)
		require.NoError(rt, err)
		require.True(rt, bytes.Equal(text, got))
		id, ok := envelope.KeyID(sealed)
		require.True(rt, ok)
		require.Equal(rt, k.Primary(), id)

		_, err = other.Open(sealed, at)
		require.ErrorIs(rt, err, envelope.ErrUnknownKey)
		elsewhere := envelope.Place{Table: word.Draw(rt, "table 2"), Column: word.Draw(rt, "column 2"), Row: word.Draw(rt, "row 2"), Owner: word.Draw(rt, "owner 2")}
		if elsewhere != at {
			_, err = k.Open(sealed, elsewhere)
			require.ErrorIs(rt, err, envelope.ErrSealed)
		}
		_, err = k.Open(sealed, envelope.Place{Table: at.Table + at.Column + "x", Row: at.Row, Owner: at.Owner})
		require.ErrorIs(rt, err, envelope.ErrSealed)
		damaged := bytes.Clone(sealed)
		damaged[rapid.IntRange(0, len(sealed)-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		_, err = k.Open(damaged, at)
		require.Error(rt, err)
		_, err = k.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(rt, "cut")], at)
		require.Error(rt, err)
	})
}

// TestPartsOfAPlaceAreApart: moving a byte from one part of a place to the next gives another place.
func TestPartsOfAPlaceAreApart(t *testing.T) {
	t.Parallel()
	k := open(t, newKeyset(t))
	sealed, err := k.Seal([]byte("x"), envelope.Place{Table: "ab", Column: "c", Row: "d", Owner: "e"})
	require.NoError(t, err)
	for _, at := range []envelope.Place{
		{Table: "a", Column: "bc", Row: "d", Owner: "e"}, {Table: "ab", Column: "cd", Owner: "e"}, {Table: "ab", Column: "c", Row: "de"}, {Table: "abcde"},
	} {
		_, err := k.Open(sealed, at)
		require.ErrorIs(t, err, envelope.ErrSealed)
	}
}

func TestEachSealIsAnother(t *testing.T) {
	t.Parallel()
	k := open(t, newKeyset(t))
	one, err := k.Seal([]byte("text"), envelope.Place{})
	require.NoError(t, err)
	two, err := k.Seal([]byte("text"), envelope.Place{})
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.NotContains(t, string(one), "text")
}

// TestRotation: a new key seals, the old one still opens; without it, what it sealed is lost and says so.
func TestRotation(t *testing.T) {
	t.Parallel()
	at := envelope.Place{Table: "t", Row: "1"}
	first := newKeyset(t)
	old := open(t, first)
	sealed, err := old.Seal([]byte("text"), at)
	require.NoError(t, err)

	second := rotate(t, first)
	both := open(t, second)
	require.Len(t, both.Keys(), 2)
	require.NotEqual(t, old.Primary(), both.Primary())
	got, err := both.Open(sealed, at)
	require.NoError(t, err)
	require.Equal(t, "text", string(got))
	again, err := both.Seal(got, at)
	require.NoError(t, err)

	third, err := envelope.Without(second, old.Primary())
	require.NoError(t, err)
	fresh := open(t, third)
	require.Equal(t, []envelope.Key{{ID: both.Primary(), Primary: true}}, fresh.Keys())
	_, err = fresh.Open(sealed, at)
	require.ErrorIs(t, err, envelope.ErrUnknownKey)
	got, err = fresh.Open(again, at)
	require.NoError(t, err)
	require.Equal(t, "text", string(got))
	_, err = envelope.Without(third, fresh.Primary())
	require.Error(t, err, "the primary key stays")
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	text := newKeyset(t)
	var err error
	for range 100 {
		var next []byte
		if next, err = envelope.Rotate(text); err != nil {
			break
		}
		text = next
	}
	require.ErrorContains(t, err, "64 keys")
}

// TestRunningProcessesLearnOfANewKey: what another process has sealed with a key that is new opens without a restart, and what is sealed
// gets the new key.
func TestRunningProcessesLearnOfANewKey(t *testing.T) {
	t.Parallel()
	at := envelope.Place{Table: "t"}
	var kept atomic.Pointer[[]byte]
	first := newKeyset(t)
	var reads atomic.Int64
	kept.Store(&first)
	broken := []byte("{")
	k, err := envelope.Open(first, func() ([]byte, error) {
		defer reads.Add(1)
		if text := *kept.Load(); len(text) > 0 {
			return text, nil
		}
		return nil, errors.New("away")
	})
	require.NoError(t, err)
	was := k.Primary()
	for _, bad := range [][]byte{nil, broken} {
		kept.Store(&bad)
		before := reads.Load()
		require.Eventually(t, func() bool {
			_, err := k.Seal(nil, at)
			return err == nil && reads.Load() > before
		}, patience, 20*time.Millisecond)
		require.Equal(t, was, k.Primary(), "a keyset that cannot be read changes nothing")
	}
	second := rotate(t, first)
	sealed, err := open(t, second).Seal([]byte("text"), at)
	require.NoError(t, err)
	kept.Store(&second)
	require.Eventually(t, func() bool { got, err := k.Open(sealed, at); return err == nil && string(got) == "text" }, patience, 20*time.Millisecond)
	require.NotEqual(t, was, k.Primary())
	third := rotate(t, second)
	kept.Store(&third)
	require.Eventually(t, func() bool {
		sealed, err := k.Seal(nil, at)
		id, _ := envelope.KeyID(sealed)
		return err == nil && id == open(t, third).Primary()
	}, patience, 20*time.Millisecond)
}

func written(t *testing.T, template *tinkpb.KeyTemplate, change func(*tinkpb.Keyset)) []byte {
	t.Helper()
	handle, err := keyset.NewHandle(template)
	require.NoError(t, err)
	set := insecurecleartextkeyset.KeysetMaterial(handle)
	if change != nil {
		change(set)
	}
	var b bytes.Buffer
	require.NoError(t, keyset.NewJSONWriter(&b).Write(set))
	return b.Bytes()
}

// TestWhatIsNoKeysetIsRefused, and never repeated.
func TestWhatIsNoKeysetIsRefused(t *testing.T) {
	t.Parallel()
	whole := newKeyset(t)
	gcm := aead.AES256GCMKeyTemplate()
	for name, text := range map[string][]byte{
		"nothing":      nil,
		"no JSON":      []byte("a-secret-that-is-no-keyset"),
		"no keys":      []byte("{}"),
		"cut":          whole[:len(whole)/2],
		"another use":  written(t, mac.HMACSHA256Tag128KeyTemplate(), nil),
		"disabled":     written(t, gcm, func(s *tinkpb.Keyset) { s.Key[0].Status = tinkpb.KeyStatusType_DISABLED }),
		"no prefix":    written(t, gcm, func(s *tinkpb.Keyset) { s.Key[0].OutputPrefixType = tinkpb.OutputPrefixType_RAW }),
		"no primary":   written(t, gcm, func(s *tinkpb.Keyset) { s.PrimaryKeyId++ }),
		"unknown type": written(t, gcm, func(s *tinkpb.Keyset) { s.Key[0].KeyData.TypeUrl = "type.example/Key" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := envelope.Open(text, nil)
			require.ErrorContains(t, err, "no keyset")
			require.NotContains(t, err.Error(), "a-secret")
			_, err = envelope.Rotate(text)
			if name != "another use" && name != "unknown type" {
				require.Error(t, err)
			}
		})
	}
}

// TestSecretsAreNotPrinted: no way to print a Keyring, nor an error of it, shows the key.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	text := newKeyset(t)
	_, after, ok := strings.Cut(string(text), `"value":"`)
	require.True(t, ok)
	secret, _, _ := strings.Cut(after, `"`)
	require.Greater(t, len(secret), 40)
	k := open(t, text)
	_, err := k.Open(bytes.Repeat([]byte{1}, 100), envelope.Place{})
	require.Error(t, err)
	require.NotContains(t, err.Error(), secret)
	require.NotContains(t, fmt.Sprintf("%v %+v %v", k.Keys(), k.Keys(), k.Primary()), secret)
}

func FuzzOpen(f *testing.F) {
	k := open(f, newKeyset(f))
	sealed, err := k.Seal([]byte("text"), envelope.Place{})
	require.NoError(f, err)
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 1, 0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255, 1, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, other []byte) {
		if text, err := k.Open(other, envelope.Place{}); err == nil {
			require.Equal(t, "text", string(text))
			require.Equal(t, sealed, other)
		}
	})
}

// TestDerivedKeys: each purpose has a key of its own, which all processes with the keyset have, also while it is rotated.
func TestDerivedKeys(t *testing.T) {
	t.Parallel()
	derive := func(text []byte, purpose string) string {
		key, err := open(t, text).Derive(purpose)
		require.NoError(t, err)
		require.Len(t, key, 32)
		return string(key)
	}
	first := newKeyset(t)
	second := rotate(t, first)
	require.Equal(t, derive(first, "a"), derive(second, "a"))
	require.NotEqual(t, derive(first, "a"), derive(first, "b"))
	require.NotEqual(t, derive(first, "a"), derive(newKeyset(t), "a"))
	third, err := envelope.Without(second, open(t, first).Primary())
	require.NoError(t, err)
	require.NotEqual(t, derive(second, "a"), derive(third, "a"))
}
