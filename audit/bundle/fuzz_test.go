package bundle_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/projections/export"
)

// sample is the beginning of a file that an export wrote, and its manifest.
func sample(f *testing.F, format export.Format) (part, manifest []byte) {
	f.Helper()
	dir, m := exported(f, history(f, 1, 0), format, 1, 2)
	part, err := os.ReadFile(filepath.Join(dir, m.Files[0].Name))
	require.NoError(f, err)
	manifest, err = os.ReadFile(filepath.Join(dir, export.ManifestName))
	require.NoError(f, err)
	return part, manifest
}

// FuzzLines: whatever is taken for a line has the meaning that encoding/json gives it.
func FuzzLines(f *testing.F) {
	part, _ := sample(f, export.NDJSON)
	f.Add(part)
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := bytes.Split(b, []byte{'\n'})
		events, err := bundle.ReadLines(bytes.Clone(b))
		if err == nil && len(b) > 0 {
			require.Len(t, events, len(lines)-1)
		}
		for i, e := range events {
			var v struct {
				Position int64  `json:"position"`
				Stream   string `json:"stream_id"`
				Body     []byte `json:"-"`
				Text     string `json:"body"`
			}
			if json.Unmarshal(lines[i], &v) != nil || !bytes.Equal(bytes.ToValidUTF8(lines[i], nil), lines[i]) {
				continue // more is taken than JSON allows; its leaf hash decides
			}
			require.Equal(t, v.Position, e.Position)
			require.Equal(t, v.Stream, string(e.StreamID))
			require.Equal(t, v.Text, string(e.Body))
		}
	})
}

// FuzzRecords: whatever is taken for a record has the meaning that encoding/csv gives it.
func FuzzRecords(f *testing.F) {
	part, _ := sample(f, export.CSV)
	f.Add(part[bytes.IndexByte(part, '\n')+1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		end := bundle.LastRecord(b)
		require.True(t, end == 0 || b[end-1] == '\n')
		events, err := bundle.ReadRecords(bytes.Clone(b))
		if err != nil || bytes.Contains(b, []byte("\r\r")) {
			return
		}
		r := csv.NewReader(bytes.NewReader(b))
		records, err := r.ReadAll()
		if err != nil {
			return // as above
		}
		require.Len(t, events, len(records))
		for i, e := range events {
			require.Len(t, records[i], 16)
			if !bytes.Contains(e.Body, []byte{'\r'}) && !bytes.HasPrefix([]byte(records[i][14]), []byte{'\''}) {
				require.Equal(t, records[i][14], string(e.Body))
			}
		}
	})
}

// FuzzManifest: a manifest that is taken is one that would be written so.
func FuzzManifest(f *testing.F) {
	_, manifest := sample(f, export.CSV)
	f.Add(manifest)
	f.Add([]byte(`{"version":"massrouter-export/1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := bundle.DecodeManifest(b)
		if err != nil {
			return
		}
		again, err := json.MarshalIndent(m, "", "  ")
		require.NoError(t, err)
		require.Equal(t, string(b), string(again)+"\n")
	})
}

// FuzzParquet: no file makes the reader panic or wait, and one that is whole is read.
func FuzzParquet(f *testing.F) {
	part, _ := sample(f, export.Parquet)
	dir := f.TempDir()
	f.Add(len(part)/2, byte(1), part)
	f.Add(0, byte(0), part)
	f.Fuzz(func(t *testing.T, at int, flip byte, b []byte) {
		if len(b) == 0 || len(b) > 1<<20 {
			return
		}
		b = bytes.Clone(b)
		b[uint(at)%uint(len(b))] ^= flip
		name := filepath.Join(dir, "events.parquet")
		require.NoError(t, os.WriteFile(name, b, 0o600))
		events, err := bundle.ReadParquet(name)
		if bytes.Equal(b, part) {
			require.NoError(t, err)
			require.Len(t, events, 2)
		}
	})
}
