package export

import (
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// rowGroup bounds how many rows a Parquet writer, and a reader, has in memory.
const rowGroup = 10_000

// parquetEvent is a row of events. Times are microseconds since 1970, UTC.
type parquetEvent struct {
	Shard         int32    `parquet:"shard"`
	Position      int64    `parquet:"position,delta"`
	StreamID      string   `parquet:"stream_id"`
	StreamVersion int64    `parquet:"stream_version"`
	EventID       [16]byte `parquet:"event_id,uuid"`
	Type          string   `parquet:"type,dict"`
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

// parquetTable writes rows of one type, compressed with zstd.
type parquetTable[R any] struct {
	w       *parquet.GenericWriter[R]
	rows    []R
	pending int64 // rows in the row group under way
}

func newParquetTable[R any](w io.Writer) parquetTable[R] {
	return parquetTable[R]{w: parquet.NewGenericWriter[R](w,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.CreatedBy("massrouter", Version, ""),
		parquet.DataPageStatistics(false))}
}

// flush hands the collected rows over, in row groups of one size.
func (t *parquetTable[R]) flush() (int64, error) {
	total := int64(len(t.rows))
	for rest := t.rows; len(rest) > 0; {
		n := min(int64(len(rest)), rowGroup-t.pending)
		if _, err := t.w.Write(rest[:n]); err != nil {
			return 0, err
		}
		if t.pending += n; t.pending == rowGroup {
			if err := t.w.Flush(); err != nil {
				return 0, err
			}
			t.pending = 0
		}
		rest = rest[n:]
	}
	clear(t.rows)
	t.rows = t.rows[:0]
	return total, nil
}

func (t *parquetTable[R]) close() error { return t.w.Close() }

type parquetEvents struct{ parquetTable[parquetEvent] }

func newParquetEvents(w io.Writer) *parquetEvents {
	return &parquetEvents{newParquetTable[parquetEvent](w)}
}

func (p *parquetEvents) write(events []decoded) (int64, error) {
	for i := range events {
		e := events[i].row
		p.rows = append(p.rows, parquetEvent{
			Shard: int32(e.Shard), Position: e.Position, StreamID: string(e.StreamID), StreamVersion: e.StreamVersion,
			EventID: e.EventID, Type: e.Type, SchemaVersion: int32(e.SchemaVersion), RecordedAt: e.RecordedAt.UnixMicro(),
			EffectiveAt: e.EffectiveAt.UnixMicro(), Actor: e.Actor, CorrelationID: e.CorrelationID, CausationID: e.CausationID,
			CommandID: e.CommandID, Salt: e.Salt, Body: e.Body, LeafHash: e.LeafHash,
		})
	}
	return p.flush()
}
