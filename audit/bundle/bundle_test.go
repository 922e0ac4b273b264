package bundle_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/export"
)

// TestRoundTrip: what was exported is, event for event and byte for byte, what is in the log, and verifies.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, format := range formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				log := history(t, seed, 60)
				events := all(t, log)
				dir, m := exported(t, log, format, 1, int64(len(events)))
				require.Greater(t, len(m.Files), 4)
				for _, workers := range []int{1, 4} {
					got, findings, err := bundle.ReadAll(t.Context(), dir, workers)
					require.NoError(t, err)
					require.Empty(t, findings)
					require.Equal(t, events, got)
				}
				report := verified(t, bundle.Options{Dirs: []string{dir}})
				require.Empty(t, report.Log.Findings)
				require.True(t, report.OK)
				require.True(t, report.Complete)
				require.EqualValues(t, len(events), report.Log.Events)
				require.Equal(t, m.Tree.Root, report.Log.Root)
				require.Equal(t, []audit.Sum{{Currency: "USD", Amount: "0"}}, report.Log.TrialBalance)
				require.Len(t, report.Folders[0].Sums, len(report.Log.Sums), "a range from the beginning sums to the balances")
				for _, s := range report.Log.Sums {
					require.Contains(t, report.Folders[0].Sums, s)
				}
			}
		})
	}
}

// anything is an event whose body may be every text.
type anything struct{}

func (anything) EventType() string { return "test.anything.v1" }

// TestEveryByteIsKept: texts of every kind come back as they were, and so do their leaf hashes.
func TestEveryByteIsKept(t *testing.T) {
	t.Parallel()
	anyType, err := domain.NewRegistry([]domain.EventSpec{{
		Type: anything{}.EventType(), Decode: func([]byte) (domain.Event, error) { return anything{}, nil },
	}})
	require.NoError(t, err)
	for _, format := range formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			run := 0
			rapid.Check(t, func(t *rapid.T) {
				run++
				text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
					"", "=1+1", "+1", "-1", "@x", "'", "''=", "\t", "\r\n", "a\r\nb\n", `"`, `""`, `\`, "\\u0000", ",", "＝1", "\u2028", "😀", "\x7f",
				}), rapid.StringN(0, -1, 3000))
				id := rapid.Custom(func(t *rapid.T) (id [16]byte) {
					copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
					return id
				})
				at := rapid.Custom(func(t *rapid.T) time.Time { return time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "us")).UTC() })
				var log list
				for i := range rapid.IntRange(1, 40).Draw(t, "events") {
					e := eventstore.Event{
						Shard: 3, Position: int64(i + 1), StreamID: domain.StreamID(text.Draw(t, "stream")), Type: anything{}.EventType(),
						StreamVersion: rapid.Int64Min(0).Draw(t, "version"), SchemaVersion: rapid.Int16Min(0).Draw(t, "schema"),
						EventID: id.Draw(t, "event"), CorrelationID: id.Draw(t, "correlation"), CausationID: id.Draw(t, "causation"),
						CommandID: id.Draw(t, "command"), Salt: id.Draw(t, "salt"), RecordedAt: at.Draw(t, "recorded"),
						EffectiveAt: at.Draw(t, "effective"), Actor: text.Draw(t, "actor"), Body: []byte(text.Draw(t, "body")),
					}
					e.LeafHash = eventstore.Leaf(&e)
					log = append(log, e)
				}
				dir := filepath.Join(parent, fmt.Sprint(run))
				_, err := export.Run(t.Context(), log, export.Options{
					Kind: export.Events, Format: format, Dir: dir, Range: export.Range{First: 1, Last: int64(len(log))}, Registry: anyType, PartBytes: 900,
				})
				require.NoError(t, err)
				got, findings, err := bundle.ReadAll(t.Context(), dir, 2)
				require.NoError(t, err)
				require.Empty(t, findings)
				require.Len(t, got, len(log))
				for i := range got {
					require.Equal(t, string(log[i].Body), string(got[i].Body))
					require.Equal(t, log[i].LeafHash, audit.LeafHash(&got[i]))
					require.Equal(t, log[i].LeafHash, got[i].LeafHash)
				}
				require.NoError(t, os.RemoveAll(dir))
			})
		})
	}
}

// TestRangesJoin: months that were exported one by one verify as one log, and each alone as far as it goes.
func TestRangesJoin(t *testing.T) {
	t.Parallel()
	log := history(t, 7, 40)
	last := int64(len(all(t, log)))
	first, _ := exported(t, log, export.NDJSON, 1, 50)
	second, _ := exported(t, log, export.CSV, 51, 100)
	third, _ := exported(t, log, export.Parquet, 101, last)
	empty, m := exported(t, log, export.CSV, 101, 100)
	require.Empty(t, m.Files)

	whole := verified(t, bundle.Options{Dirs: []string{third, first, empty, second}})
	require.Empty(t, whole.Log.Findings)
	require.True(t, whole.Complete)
	require.Equal(t, last, whole.Log.Events)
	require.Len(t, whole.Folders, 4)

	alone := verified(t, bundle.Options{Dirs: []string{second, third}})
	require.Empty(t, alone.Log.Findings)
	require.False(t, alone.Complete)
	require.Equal(t, last-50, alone.Log.Events)

	apart := verified(t, bundle.Options{Dirs: []string{first, third}})
	require.Contains(t, codes(apart), bundle.RangesApart)
	require.Contains(t, codes(apart), audit.PositionMissing)
}

// TestOneChangedByteIsNamed: a bit that flips anywhere in a file or in the manifest, and bytes that are added or lost.
func TestOneChangedByteIsNamed(t *testing.T) {
	t.Parallel()
	for _, format := range formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			log := history(t, 1, 5)
			dir, m := exported(t, log, format, 1, 78)
			for _, name := range []string{export.ManifestName, m.Files[0].Name, m.Files[2].Name} {
				path := filepath.Join(dir, name)
				content, err := os.ReadFile(path)
				require.NoError(t, err)
				step := max(len(content)/61, 1)
				for at := 0; at < len(content); at += step {
					changed := append([]byte(nil), content...)
					changed[at] ^= 1 << (at % 8)
					mustName(t, dir, name, changed)
				}
				mustName(t, dir, name, content[:len(content)-1])
				mustName(t, dir, name, append(append([]byte(nil), content...), '\n'))
				mustName(t, dir, name, nil)
				require.NoError(t, os.WriteFile(path, content, 0o600))
			}
			require.True(t, verified(t, bundle.Options{Dirs: []string{dir}}).OK)
		})
	}
}

// mustName verifies a folder with other content in one file and wants a finding that names this file first.
func mustName(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	report := verified(t, bundle.Options{Dirs: []string{dir}})
	require.False(t, report.OK)
	named := false
	for _, found := range report.Log.Findings {
		named = named || found.Where == dir+"/"+name && (found.Code == bundle.FileHash || found.Code == bundle.ManifestInvalid)
	}
	require.True(t, named, "%v", report.Log.Findings)
}

// TestOtherCompressionsAreRefused: a bit of the footer makes a column one of another compression, whose decoder may know no
// bound for what the bytes become.
func TestOtherCompressionsAreRefused(t *testing.T) {
	t.Parallel()
	event := all(t, history(t, 1, 5))[0]
	for _, c := range []struct {
		codec compress.Codec
		fine  bool
	}{{&parquet.Zstd, true}, {&parquet.Lz4Raw, false}, {&parquet.Snappy, false}, {&parquet.Gzip, false}, {&parquet.Uncompressed, false}} {
		name := filepath.Join(t.TempDir(), "events.parquet")
		require.NoError(t, bundle.WriteParquet(name, &event, c.codec))
		events, err := bundle.ReadParquet(name)
		if c.fine {
			require.NoError(t, err)
			require.Equal(t, []eventstore.Event{event}, events)
			continue
		}
		require.ErrorContains(t, err, "exports use ZSTD", c.codec)
	}
}

// TestForgedEventIsNamed: who also makes all hashes of the folder anew is found by the leaf hash, at its position.
func TestForgedEventIsNamed(t *testing.T) {
	t.Parallel()
	events := all(t, history(t, 1, 5))
	const at = 43
	events[at-1].Actor += "x"
	for _, format := range formats() {
		dir, _ := exported(t, list(events), format, 1, int64(len(events)))
		report := verified(t, bundle.Options{Dirs: []string{dir}})
		require.Equal(t, []audit.Code{audit.LeafMismatch, bundle.ManifestMismatch}, codes(report))
		for _, found := range report.Log.Findings {
			require.True(t, found.Code != audit.LeafMismatch || found.Position == at)
		}
	}
}

// TestManifestsAreComputedAnew: a manifest with a right digest whose statements are wrong.
func TestManifestsAreComputedAnew(t *testing.T) {
	t.Parallel()
	log := history(t, 1, 5)
	for name, c := range map[string]struct {
		change func(m *export.Manifest)
		code   audit.Code
	}{
		"root":          {func(m *export.Manifest) { m.Tree.Root = hex.EncodeToString(make([]byte, 32)) }, bundle.ManifestMismatch},
		"sums":          {func(m *export.Manifest) { m.Sums[0].Amount = "1" }, bundle.ManifestMismatch},
		"a sum less":    {func(m *export.Manifest) { m.Sums = m.Sums[1:] }, bundle.ManifestMismatch},
		"total":         {func(m *export.Manifest) { m.Totals[0].Amount = "1" }, bundle.ManifestInvalid},
		"first time":    {func(m *export.Manifest) { m.FirstRecordedAt = m.FirstRecordedAt.Add(time.Microsecond) }, bundle.ManifestMismatch},
		"last time":     {func(m *export.Manifest) { m.LastRecordedAt = m.LastRecordedAt.Add(time.Microsecond) }, bundle.ManifestMismatch},
		"period":        {func(m *export.Manifest) { m.Period = &export.Period{To: m.LastRecordedAt} }, bundle.ManifestMismatch},
		"shard":         {func(m *export.Manifest) { m.Shard = 1 }, bundle.ManifestMismatch},
		"kind":          {func(m *export.Manifest) { m.Kind = export.Journal }, bundle.ManifestInvalid},
		"format":        {func(m *export.Manifest) { m.Format = "xml" }, bundle.ManifestInvalid},
		"version":       {func(m *export.Manifest) { m.Version = "massrouter-export/2" }, bundle.ManifestInvalid},
		"rows":          {func(m *export.Manifest) { m.Rows++ }, bundle.ManifestInvalid},
		"tree of":       {func(m *export.Manifest) { m.Tree.Of = "range" }, bundle.ManifestInvalid},
		"last position": {func(m *export.Manifest) { m.LastPosition-- }, bundle.ManifestInvalid},
		"file left out": {func(m *export.Manifest) { m.Files = m.Files[:1] }, bundle.ManifestInvalid},
		"file elsewhere": {func(m *export.Manifest) {
			m.Files[0].Name = "../" + m.Files[0].Name
		}, bundle.ManifestInvalid},
		"rows of files": {func(m *export.Manifest) {
			m.Files[0].Rows--
			m.Files[0].LastPosition--
			m.Files[1].Rows++
			m.Files[1].FirstPosition--
			m.Files[1].Name = fmt.Sprintf("events-%012d.csv", m.Files[1].FirstPosition)
		}, bundle.ManifestMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, m := exported(t, log, export.CSV, 1, 78)
			sealed(t, dir, nil)
			require.True(t, verified(t, bundle.Options{Dirs: []string{dir}}).OK, "a manifest that is only written again")
			sealed(t, dir, c.change)
			if name == "rows of files" {
				require.NoError(t, os.Rename(filepath.Join(dir, m.Files[1].Name), filepath.Join(dir, "events-000000000037.csv")))
			}
			require.Contains(t, codes(verified(t, bundle.Options{Dirs: []string{dir}})), c.code)
		})
	}
}

func TestFilesThatAreMissingOrTooMany(t *testing.T) {
	t.Parallel()
	log := history(t, 1, 5)
	dir, m := exported(t, log, export.Parquet, 1, 78)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600))
	require.Equal(t, []audit.Code{bundle.FileUnknown}, codes(verified(t, bundle.Options{Dirs: []string{dir}})))
	require.NoError(t, os.Remove(filepath.Join(dir, m.Files[1].Name)))
	report := verified(t, bundle.Options{Dirs: []string{dir}})
	require.Equal(t, []audit.Code{bundle.FileMissing, bundle.FileUnknown}, codes(report))
	require.Equal(t, int64(37), report.Log.Events)

	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, m.Files[1].Name), 0o600))
	require.Equal(t, []audit.Code{bundle.FileUnknown, bundle.FileUnreadable}, codes(verified(t, bundle.Options{Dirs: []string{dir}})))

	_, err := bundle.Verify(t.Context(), bundle.Options{Dirs: []string{filepath.Join(dir, "nowhere")}, Registry: registry(t)})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = bundle.Verify(t.Context(), bundle.Options{})
	require.Error(t, err)
	require.Equal(t, []audit.Code{bundle.ManifestInvalid}, codes(verified(t, bundle.Options{Dirs: []string{t.TempDir()}})))
}

// TestCheckpointsAreHeldAgainstTheEvents signs the root of a shorter log, as the transparency log does.
func TestCheckpointsAreHeldAgainstTheEvents(t *testing.T) {
	t.Parallel()
	secret, public, err := note.GenerateKey(nil, "ledger.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret)
	require.NoError(t, err)
	key, err := note.NewVerifier(public)
	require.NoError(t, err)
	log := history(t, 1, 5)
	dir, _ := exported(t, log, export.NDJSON, 1, 78)
	var tree audit.Tree
	for _, e := range all(t, log)[:60] {
		tree.Add(e.LeafHash)
	}
	write := func(c audit.Checkpoint) {
		signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, bundle.CheckpointName), signed, 0o600))
	}
	o := bundle.Options{Dirs: []string{dir}, Key: key}
	require.Equal(t, []audit.Code{bundle.CheckpointWrong}, codes(verified(t, o)), "there is none")

	write(audit.Checkpoint{Origin: "ledger.example", Size: 60, Root: tree.Root()})
	report := verified(t, o)
	require.Empty(t, report.Log.Findings)
	require.Equal(t, []int64{60}, report.Checkpoints)

	write(audit.Checkpoint{Origin: "ledger.example", Size: 61, Root: tree.Root()})
	require.Equal(t, []audit.Code{bundle.CheckpointWrong}, codes(verified(t, o)), "another root")
	write(audit.Checkpoint{Origin: "ledger.example", Size: 79, Root: tree.Root()})
	require.Equal(t, []audit.Code{bundle.CheckpointWrong}, codes(verified(t, o)), "beyond the events")
	require.NoError(t, os.WriteFile(filepath.Join(dir, bundle.CheckpointName), []byte("ledger.example\n1\n"), 0o600))
	require.Equal(t, []audit.Code{bundle.CheckpointWrong}, codes(verified(t, o)), "not signed")
}
