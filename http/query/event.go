package query

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
)

// Head is the end of the log.
type Head struct {
	Position   int64
	RecordedAt time.Time // of the last event
}

// LogEvent is one event as it is stored.
type LogEvent struct {
	Shard         int16
	Position      int64
	StreamID      string
	StreamVersion int64
	EventID       uuid.UUID
	Type          string
	SchemaVersion int16
	RecordedAt    time.Time
	EffectiveAt   time.Time
	Actor         string
	CorrelationID uuid.UUID
	CausationID   uuid.UUID
	CommandID     uuid.UUID
	Salt          [16]byte
	Body          []byte // UTF-8 text, exactly as stored
	LeafHash      [32]byte
}

// Log is the raw log. A store that does not answer is a *domain.Error with code ledger_unavailable; any other error is a
// defect. Both methods are safe for concurrent use.
type Log interface {
	// Head is the committed end; position 0 before the first event.
	Head(ctx context.Context) (Head, error)
	// Read returns at most limit events after a position, in order and without a gap; none when there are none yet.
	Read(ctx context.Context, after int64, limit int) ([]LogEvent, error)
}

const (
	defaultEventLimit = 100
	maxEventLimit     = 1000
)

// GetLedgerHead says where the log ends.
func (a *API) GetLedgerHead(ctx context.Context, _ GetLedgerHeadRequestObject) (GetLedgerHeadResponseObject, error) {
	head, err := a.views.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	answer := GetLedgerHead200JSONResponse{Position: openapi.Count(head.Position), AsOf: head.asOf()}
	if head.Position > 0 {
		answer.RecordedAt = moment(head.RecordedAt)
	}
	return answer, nil
}

// asOf is the Unix epoch before the first event.
func (h Head) asOf() time.Time {
	if h.Position == 0 {
		return time.Unix(0, 0).UTC()
	}
	return h.RecordedAt.UTC()
}

// ListEvents reads the log.
func (a *API) ListEvents(ctx context.Context, r ListEventsRequestObject) (ListEventsResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, maxEventLimit)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		n = defaultEventLimit
	}
	events, err := a.views.Log.Read(ctx, position(r.Params.After), n)
	if err != nil {
		return nil, err
	}
	// After the events, so that the head is never behind them.
	head, err := a.views.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	answer := ListEvents200JSONResponse{Items: make([]Event, len(events)), Position: openapi.Count(head.Position), AsOf: head.asOf()}
	for i := range events {
		answer.Items[i] = event(&events[i])
	}
	return answer, nil
}

func event(e *LogEvent) Event {
	return Event{
		Shard: int(e.Shard), Position: openapi.Count(e.Position), StreamID: e.StreamID,
		StreamVersion: openapi.Count(e.StreamVersion), EventID: e.EventID, Type: e.Type, SchemaVersion: int(e.SchemaVersion),
		RecordedAt: e.RecordedAt.UTC(), EffectiveAt: e.EffectiveAt.UTC(), Actor: e.Actor, CorrelationID: e.CorrelationID,
		CausationID: e.CausationID, CommandID: e.CommandID, Salt: hex.EncodeToString(e.Salt[:]), Body: string(e.Body),
		LeafHash: hex.EncodeToString(e.LeafHash[:]),
	}
}
