package tlogtest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// event is an event of the console API.
type event struct {
	Shard         int16     `json:"shard"`
	Position      int64     `json:"position,string"`
	StreamID      string    `json:"stream_id"`
	StreamVersion int64     `json:"stream_version,string"`
	EventID       string    `json:"event_id"`
	Type          string    `json:"type"`
	SchemaVersion int16     `json:"schema_version"`
	RecordedAt    time.Time `json:"recorded_at"`
	EffectiveAt   time.Time `json:"effective_at"`
	Actor         string    `json:"actor"`
	CorrelationID string    `json:"correlation_id"`
	CausationID   string    `json:"causation_id"`
	CommandID     string    `json:"command_id"`
	Salt          string    `json:"salt"`
	Body          string    `json:"body"`
}

// entry is the log's entry of an event, of which the leaf hash is, from its written format.
func (e *event) entry() []byte {
	b := []byte{1}
	b = binary.BigEndian.AppendUint16(b, uint16(e.Shard))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Position))
	b = binary.BigEndian.AppendUint64(b, uint64(e.StreamVersion))
	b = binary.BigEndian.AppendUint16(b, uint16(e.SchemaVersion))
	b = binary.BigEndian.AppendUint64(b, uint64(e.RecordedAt.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.EffectiveAt.UnixMicro()))
	for _, id := range []string{e.EventID, e.CorrelationID, e.CausationID, e.CommandID, e.Salt} {
		raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
		if err != nil || len(raw) != 16 {
			panic(fmt.Sprintf("%q is no id", id))
		}
		b = append(b, raw...)
	}
	for _, text := range []string{e.StreamID, e.Type, e.Actor, e.Body} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return b
}

// withEntries is a published log with the entry bundles, which only who may read the ledger can make.
type withEntries struct {
	client.FileFetcher
}

// ReadEntryBundle implements fsck.Fetcher.
func (withEntries) ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error) {
	width := uint64(partial)
	if partial == 0 {
		width = 256
	}
	var page struct {
		Items []event `json:"items"`
	}
	path := fmt.Sprintf("/console/v1/events?after=%d&limit=%d", index*256, width)
	if err := ask(ctx, http.MethodGet, path, nil, &page); err != nil {
		return nil, err
	}
	if uint64(len(page.Items)) != width {
		return nil, fmt.Errorf("%s has %d events", path, len(page.Items))
	}
	var bundle []byte
	for i := range page.Items {
		entry := page.Items[i].entry()
		bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(entry))), entry...)
	}
	return bundle, nil
}

// hashEntries gives the leaf hashes of a bundle.
func hashEntries(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(b.Entries))
	for _, e := range b.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, nil
}

func verifier(t *testing.T) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(shared.LogPublicKey)
	require.NoError(t, err)
	return v
}

func check(t *testing.T, root string) error {
	t.Helper()
	v := verifier(t)
	return fsck.New(v.Name(), v, withEntries{client.FileFetcher{Root: root}}, hashEntries, fsck.Opts{N: 2}).Check(t.Context())
}

// The log goes through 1,000 events, partial and full tiles of two levels; tessera's client follows it, proves with it, and
// its fsck computes it anew from the events.
func TestTesseraReadsTheLog(t *testing.T) {
	v := verifier(t)
	files := client.FileFetcher{Root: shared.LogDir}
	cli(t, "audit", "checkpoint", "--data", shared.data)
	tracker, err := client.NewLogStateTracker(t.Context(), files.ReadTile, nil, v, v.Name(), client.UnilateralConsensus(files.ReadCheckpoint))
	require.NoError(t, err)
	for _, n := range []int{1, 200, 130, 700} {
		before := tracker.Latest().Size
		grow(t, n)
		cli(t, "audit", "checkpoint", "--data", shared.data)
		_, _, _, err := tracker.Update(t.Context())
		require.NoError(t, err, "the new checkpoint continues the old one")
		require.GreaterOrEqual(t, tracker.Latest().Size, before+uint64(n))
	}
	require.NoError(t, check(t, shared.LogDir))
}

func TestReceiptIsTesserasProof(t *testing.T) {
	v := verifier(t)
	var receipt struct {
		Event      event    `json:"-"`
		LeafIndex  uint64   `json:"leaf_index"`
		Proof      []string `json:"proof"`
		Checkpoint string   `json:"checkpoint"`
	}
	require.NoError(t, json.Unmarshal(cli(t, "audit", "prove", "7", "--data", shared.data), &receipt))
	c, _, _, err := client.FetchCheckpoint(t.Context(), func(context.Context) ([]byte, error) { return []byte(receipt.Checkpoint), nil }, v, v.Name())
	require.NoError(t, err)
	hashes := make([][]byte, len(receipt.Proof))
	for i, text := range receipt.Proof {
		hashes[i], err = base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
	}
	bundle, err := withEntries{}.ReadEntryBundle(t.Context(), 0, uint8(receipt.LeafIndex+1))
	require.NoError(t, err)
	leaves, err := hashEntries(bundle)
	require.NoError(t, err)
	require.NoError(t, proof.VerifyInclusion(rfc6962.DefaultHasher, receipt.LeafIndex, c.Size, leaves[receipt.LeafIndex], hashes, c.Hash))

	// the same by tessera, from the tiles of that checkpoint as the service itself serves them
	address, err := url.Parse(shared.BaseURL + "/log/")
	require.NoError(t, err)
	fetcher, err := client.NewHTTPFetcher(address, nil)
	require.NoError(t, err)
	builder, err := client.NewProofBuilder(t.Context(), c.Size, fetcher.ReadTile)
	require.NoError(t, err)
	theirs, err := builder.InclusionProof(t.Context(), receipt.LeafIndex)
	require.NoError(t, err)
	require.Equal(t, theirs, hashes)
}

func TestCosignatureIsReadByOthers(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "witness.key")
	cli(t, "audit", "keygen", "witness.test/w", "--out", key)
	cli(t, "audit", "checkpoint", "--data", shared.data)
	var result struct {
		WitnessKey string `json:"witness_key"`
		Note       string `json:"note"`
	}
	require.NoError(t, json.Unmarshal(cli(t, "audit", "witness", "--state", filepath.Join(dir, "state"), "--key", key,
		"--log", shared.LogDir, "--log-key", shared.LogPublicKey, "--json"), &result))
	witness, err := formats.NewVerifierForCosignatureV1(result.WitnessKey)
	require.NoError(t, err)
	n, err := note.Open([]byte(result.Note), note.VerifierList(witness, verifier(t)))
	require.NoError(t, err)
	require.Len(t, n.Sigs, 2)
	at, err := formats.CoSigV1Timestamp(n.Sigs[1])
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Hour)
}

// One changed byte anywhere is found by tessera's fsck, too.
func TestTesseraFindsAChangedByte(t *testing.T) {
	grow(t, 300)
	cli(t, "audit", "checkpoint", "--data", shared.data)
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(shared.LogDir)))
	require.NoError(t, check(t, copied))
	raw, err := os.ReadFile(filepath.Join(copied, "checkpoint"))
	require.NoError(t, err)
	size, err := strconv.Atoi(strings.Split(string(raw), "\n")[1])
	require.NoError(t, err)
	for _, path := range []string{"checkpoint", "tile/0/000", fmt.Sprintf("tile/1/000.p/%d", size/256)} {
		file := filepath.Join(copied, filepath.FromSlash(path))
		good, err := os.ReadFile(file)
		require.NoError(t, err)
		good[3] ^= 1
		require.NoError(t, os.WriteFile(file, good, 0o600))
		require.Error(t, check(t, copied), path)
		good[3] ^= 1
		require.NoError(t, os.WriteFile(file, good, 0o600))
	}
}
