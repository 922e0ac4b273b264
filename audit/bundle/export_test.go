package bundle

import (
	"context"
	"errors"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// ReadAll reads all events of a folder, and says what is wrong with the files.
func ReadAll(ctx context.Context, dir string, workers int) ([]eventstore.Event, []audit.Finding, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }()
	m, err := readManifest(root)
	if err != nil {
		return nil, nil, err
	}
	r := &reading{folders: []*opened{{dir: dir, manifest: m, root: root}}, workers: workers, findings: audit.NewFindings(0), whole: true}
	var all []eventstore.Event
	for events, err := range r.batches(ctx) {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, events...)
	}
	return all, r.findings.First(), nil
}

// The decoders of files that come from outside.
var (
	ReadLines      = readLines
	ReadRecords    = readRecords
	DecodeManifest = decodeManifest
	LastRecord     = lastRecord
)

// WriteParquet writes an event to a Parquet file with another compression.
func WriteParquet(name string, e *eventstore.Event, codec compress.Codec) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	row := parquetEvent{
		Shard: int32(e.Shard), Position: e.Position, StreamID: string(e.StreamID), StreamVersion: e.StreamVersion, EventID: e.EventID,
		Type: e.Type, SchemaVersion: int32(e.SchemaVersion), RecordedAt: e.RecordedAt.UnixMicro(), EffectiveAt: e.EffectiveAt.UnixMicro(),
		Actor: e.Actor, CorrelationID: e.CorrelationID, CausationID: e.CausationID, CommandID: e.CommandID, Salt: e.Salt, Body: e.Body,
		LeafHash: e.LeafHash,
	}
	w := parquet.NewGenericWriter[parquetEvent](f, parquet.Compression(codec))
	_, err = w.Write([]parquetEvent{row})
	return errors.Join(err, w.Close(), f.Close())
}

// ReadParquet reads all events of a Parquet file.
func ReadParquet(name string) ([]eventstore.Event, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	groups, err := rowGroups(f, info.Size())
	var all []eventstore.Event
	for _, group := range groups {
		var events []eventstore.Event
		if events, err = readRowGroup(group); err != nil {
			break
		}
		all = append(all, events...)
	}
	return all, err
}
