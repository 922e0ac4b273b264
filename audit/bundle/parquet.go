package bundle

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/parquet-go/parquet-go"
	parquetfile "github.com/parquet-go/parquet-go/format"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// parquetEvent is a row. Times are microseconds since 1970, UTC.
type parquetEvent struct {
	Shard         int32    `parquet:"shard"`
	Position      int64    `parquet:"position"`
	StreamID      string   `parquet:"stream_id"`
	StreamVersion int64    `parquet:"stream_version"`
	EventID       [16]byte `parquet:"event_id,uuid"`
	Type          string   `parquet:"type"`
	SchemaVersion int32    `parquet:"schema_version"`
	RecordedAt    int64    `parquet:"recorded_at,timestamp(microsecond)"`
	EffectiveAt   int64    `parquet:"effective_at,timestamp(microsecond)"`
	Actor         string   `parquet:"actor"`
	CorrelationID [16]byte `parquet:"correlation_id,uuid"`
	CausationID   [16]byte `parquet:"causation_id,uuid"`
	CommandID     [16]byte `parquet:"command_id,uuid"`
	Salt          [16]byte `parquet:"salt"`
	Body          []byte   `parquet:"body,string"`
	LeafHash      [32]byte `parquet:"leaf_hash"`
}

// The bounds of a row group, all of which is in memory at once.
const (
	maxGroupRows  = 200_000
	maxGroupBytes = 1 << 30
)

// cutRowGroups makes a piece of each row group of a Parquet file.
func cutRowGroups(f *os.File, size int64, _ hash.Hash) pieces {
	return func(yield func(piece, error) bool) {
		groups, err := rowGroups(f, size)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, group := range groups {
			if !yield(func() ([]eventstore.Event, error) { return readRowGroup(group) }, nil) {
				return
			}
		}
	}
}

func rowGroups(f *os.File, size int64) (groups []parquet.RowGroup, err error) {
	defer recovered(&err)
	file, err := parquet.OpenFile(f, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	if !parquet.SameNodes(file.Schema(), parquet.SchemaOf(parquetEvent{})) {
		return nil, errors.New("the columns are not those of an export of events")
	}
	for _, group := range file.Metadata().RowGroups {
		if group.NumRows > maxGroupRows || group.TotalByteSize > maxGroupBytes {
			return nil, fmt.Errorf("a row group has %d rows and %d bytes; at most %d and %d are read",
				group.NumRows, group.TotalByteSize, maxGroupRows, int64(maxGroupBytes))
		}
		for i := range group.Columns {
			// Others are not only foreign: some decoders know no bound for what damaged bytes become.
			if codec := group.Columns[i].MetaData.Codec; codec != parquetfile.Zstd {
				return nil, fmt.Errorf("a column is compressed by %s; exports use %s", codec, parquetfile.Zstd)
			}
		}
	}
	return file.RowGroups(), nil
}

func readRowGroup(group parquet.RowGroup) (events []eventstore.Event, err error) {
	defer recovered(&err)
	r := parquet.NewGenericRowGroupReader[parquetEvent](group)
	defer func() { err = errors.Join(err, r.Close()) }()
	rows := make([]parquetEvent, group.NumRows())
	for n := 0; n < len(rows); {
		m, err := r.Read(rows[n:])
		n += m
		if err != nil && (n < len(rows) || !errors.Is(err, io.EOF)) {
			return nil, err
		}
		if m == 0 && n < len(rows) {
			return nil, io.ErrNoProgress
		}
	}
	events = make([]eventstore.Event, len(rows))
	for i := range rows {
		if events[i], err = rows[i].event(); err != nil {
			return events[:i], err
		}
	}
	return events, nil
}

func (r *parquetEvent) event() (eventstore.Event, error) {
	e := eventstore.Event{
		Shard: int16(r.Shard), Position: r.Position, StreamID: domain.StreamID(r.StreamID), StreamVersion: r.StreamVersion, //nolint:gosec // compared below
		EventID: r.EventID, Type: r.Type, SchemaVersion: int16(r.SchemaVersion), RecordedAt: time.UnixMicro(r.RecordedAt).UTC(), //nolint:gosec // compared below
		EffectiveAt: time.UnixMicro(r.EffectiveAt).UTC(), Actor: r.Actor, CorrelationID: r.CorrelationID, CausationID: r.CausationID,
		CommandID: r.CommandID, Salt: r.Salt, Body: r.Body, LeafHash: r.LeafHash,
	}
	if int32(e.Shard) != r.Shard || int32(e.SchemaVersion) != r.SchemaVersion {
		return e, errValue
	}
	return e, nil
}

// recovered turns a panic into an error: the decoder does not promise that every damaged file is one.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the file is damaged: %v", p)
	}
}
