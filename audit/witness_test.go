package audit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
)

func newWitness(t *testing.T, log keyPair) audit.Witness {
	t.Helper()
	at := time.Unix(1_900_000_000, 0)
	key, err := audit.NewCosigner(newKey(t, "witness.test/w").private, func() time.Time { at = at.Add(time.Second); return at })
	require.NoError(t, err)
	return audit.Witness{Log: log.verifier, Key: key, State: filepath.Join(t.TempDir(), "state")}
}

func TestWitnessFollowsALog(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	w := newWitness(t, key)
	var before *audit.Checkpoint
	for size := int64(1); size <= int64(len(events)); size += 7 {
		c := m.sign(t, key, size)
		got, err := w.Cosign(t.Context(), m.folder(t, t.TempDir(), size))
		require.NoError(t, err)
		require.Equal(t, c, got.Checkpoint)
		require.Equal(t, before, got.Before)
		before = &got.Checkpoint
		state, err := os.ReadFile(w.State)
		require.NoError(t, err)
		require.Equal(t, got.Note, state)
		n, err := note.Open(got.Note, note.VerifierList(key.verifier, w.Key.Verifier()))
		require.NoError(t, err)
		require.Len(t, n.Sigs, 2)
		public, err := audit.NewVerifier(w.Key.PublicKey())
		require.NoError(t, err)
		require.Equal(t, w.Key.KeyHash(), public.KeyHash())
		_, err = note.Open(got.Note, note.VerifierList(public))
		require.NoError(t, err)
	}
}

// A log that forks or goes back is not cosigned, and the state stays.
func TestWitnessRefusesAFork(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	n := int64(len(events))
	w := newWitness(t, key)
	known := m.sign(t, key, n-5)
	_, err := w.Cosign(t.Context(), m.folder(t, t.TempDir(), n-5))
	require.NoError(t, err)
	state, err := os.ReadFile(w.State)
	require.NoError(t, err)

	forked := &memoryLog{}
	forked.add(t, m.leaves[:n-10]...)
	refused := func(size int64) {
		t.Helper()
		other := forked.sign(t, key, size)
		_, err := w.Cosign(t.Context(), forked.folder(t, t.TempDir(), size))
		var fork *audit.ForkError
		require.ErrorAs(t, err, &fork)
		require.Equal(t, audit.ForkError{Known: known, Other: other}, *fork)
		after, err := os.ReadFile(w.State)
		require.NoError(t, err)
		require.Equal(t, state, after)
	}
	refused(n - 10)
	for i := range byte(15) {
		forked.add(t, [32]byte{i, 1})
		if size := n - 9 + int64(i); size >= n-6 {
			refused(size)
		}
	}
	m.sign(t, key, n)
	_, err = w.Cosign(t.Context(), m.folder(t, t.TempDir(), n))
	require.NoError(t, err, "the true log goes on")
}

func TestWitnessStateWithAChangedByte(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	w := newWitness(t, key)
	log := m.folder(t, t.TempDir(), int64(len(events)))
	got, err := w.Cosign(t.Context(), log)
	require.NoError(t, err)
	for i := range got.Note {
		bad := bytes.Clone(got.Note)
		bad[i] ^= 1
		require.NoError(t, os.WriteFile(w.State, bad, 0o600))
		_, err := w.Cosign(t.Context(), log)
		require.ErrorContains(t, err, w.State, "byte %d", i)
	}
	require.NoError(t, os.WriteFile(w.State, m.signed, 0o600))
	_, err = w.Cosign(t.Context(), log)
	require.ErrorContains(t, err, "was not cosigned by")
}

// Two runs at once cosign one after the other.
func TestWitnessesShareAState(t *testing.T) {
	t.Parallel()
	m, events, key := logOf(t)
	w := newWitness(t, key)
	log := m.folder(t, t.TempDir(), int64(len(events)))
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = w.Cosign(t.Context(), log) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
}

func TestKeysAreReadStrictly(t *testing.T) {
	t.Parallel()
	key := newKey(t, origin)
	for _, text := range []string{"", "x", key.private[1:], key.private[:len(key.private)-4], "PRIVATE+KEY+a+b+c"} {
		_, err := audit.NewCosigner(text, time.Now)
		require.Error(t, err)
		if len(text) > 10 {
			require.NotContains(t, err.Error(), text[10:])
		}
	}
	w := newWitness(t, key)
	public := w.Key.PublicKey()
	for i := range public {
		bad := []byte(public)
		bad[i] ^= 1
		_, err := audit.NewVerifier(string(bad))
		require.Error(t, err, "%s", bad)
	}
}
