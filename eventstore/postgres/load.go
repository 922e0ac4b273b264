package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// querier is a pool or an open transaction's connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const streamsSQL = `SELECT s.stream_id, s.first_position, sn.version, sn.position, sn.schema, sn.state
	FROM ledger.streams s LEFT JOIN ledger.snapshots sn ON sn.stream_id = s.stream_id AND sn.shard = s.shard
	WHERE s.stream_id = ANY($1) AND s.shard = $2`

const streamEventsSQL = `SELECT ` + eventColumns + ` FROM ledger.stream_events($1::int2, $2::text[], $3::int8[], $4::int8[]) e`

// Load reads streams without a lock.
func (s *Store) Load(ctx context.Context, ids []domain.StreamID) ([]eventstore.Stream, error) {
	return s.load(ctx, s.pool, ids)
}

func (s *Store) load(ctx context.Context, q querier, ids []domain.StreamID) ([]eventstore.Stream, error) {
	byID := make(map[domain.StreamID]*eventstore.Stream, len(ids))
	for _, id := range ids {
		byID[id] = &eventstore.Stream{ID: id}
	}
	want, err := s.loadSnapshots(ctx, q, byID)
	if err != nil {
		return nil, classify(fmt.Errorf("load snapshots: %w", err))
	}
	if len(want.ids) == 0 {
		return s.loaded(inOrder(ids, byID)), nil
	}
	rows, err := q.Query(ctx, streamEventsSQL, s.o.Shard, want.ids, want.versions, want.positions)
	if err != nil {
		return nil, classify(fmt.Errorf("load events: %w", err))
	}
	events, err := scanEvents(rows)
	if err != nil {
		return nil, classify(fmt.Errorf("load events: %w", err))
	}
	for _, e := range events {
		stream := byID[e.StreamID]
		stream.Events = append(stream.Events, e)
	}
	return s.loaded(inOrder(ids, byID)), nil
}

func (s *Store) loaded(streams []eventstore.Stream) []eventstore.Stream {
	s.versions.learn(streams)
	return streams
}

func inOrder(ids []domain.StreamID, byID map[domain.StreamID]*eventstore.Stream) []eventstore.Stream {
	streams := make([]eventstore.Stream, len(ids))
	for i, id := range ids {
		streams[i] = *byID[id]
	}
	return streams
}

type wanted struct {
	ids                 []string
	versions, positions []int64
}

// loadSnapshots fills in the snapshots and lists from where the events of each known stream are wanted.
func (s *Store) loadSnapshots(ctx context.Context, q querier, byID map[domain.StreamID]*eventstore.Stream) (wanted, error) {
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, string(id))
	}
	rows, err := q.Query(ctx, streamsSQL, ids, s.o.Shard)
	if err != nil {
		return wanted{}, err
	}
	defer rows.Close()
	var w wanted
	for rows.Next() {
		var id string
		var first int64
		var version, position *int64
		var schema *int16
		var state []byte
		if err := rows.Scan(&id, &first, &version, &position, &schema, &state); err != nil {
			return wanted{}, err
		}
		fromVersion, fromPosition := int64(0), first-1
		if version != nil {
			byID[domain.StreamID(id)].Snapshot = &eventstore.Snapshot{
				StreamID: domain.StreamID(id), Version: *version, Position: *position, Schema: *schema, State: state,
			}
			fromVersion, fromPosition = *version, *position
		}
		w.ids = append(w.ids, id)
		w.versions = append(w.versions, fromVersion)
		w.positions = append(w.positions, fromPosition)
	}
	return w, rows.Err()
}

func loadCommands(ctx context.Context, q querier, shard int16, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	rows, err := q.Query(ctx, `SELECT command_id, input_hash, position, at, refused, outcome FROM ledger.commands
		WHERE command_id = ANY($1) AND shard = $2`, ids, shard)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uuid.UUID]eventstore.Command{}
	for rows.Next() {
		var c eventstore.Command
		var hash []byte
		if err := rows.Scan(&c.ID, &hash, &c.Position, &c.At, &c.Refused, &c.Outcome); err != nil {
			return nil, err
		}
		c.At = c.At.UTC()
		copy(c.InputHash[:], hash)
		out[c.ID] = c
	}
	return out, rows.Err()
}
