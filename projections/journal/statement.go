package journal

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/page"
)

// StatementRequest asks for a wallet's statement of a period.
type StatementRequest struct {
	WalletID    uuid.UUID
	From, To    time.Time // recorded in [From, To); both are needed
	AsOf        AsOf
	MinPosition int64
}

// Statement is every movement of a wallet's posted balance in a period, with the balances around them. All of it is as of
// one position, however long the lines are read.
type Statement struct {
	WalletID uuid.UUID
	From, To time.Time
	Movements
	checkpoint.At
	query *Query
}

// StatementLine is one movement.
type StatementLine struct {
	Position     int64
	RecordedAt   time.Time
	Kind         string // top_up, grant, adjustment, charge, correction
	GenerationID *uuid.UUID
	Model        string
	Reference    string
	Reason       string
	Amount       money.Amount // signed: charges are negative (or zero, for a free call), what a correction gives back is positive
	Balance      money.Amount // posted, after it
}

// Statement reads the balances of a statement; Lines has the rest. Errors: wallet_not_found when the wallet had no entry
// before the end of the period, invalid_request, ledger_unavailable.
func (q *Query) Statement(ctx context.Context, r StatementRequest) (*Statement, error) {
	from, to, err := page.Range(r.From, r.To)
	if err != nil {
		return nil, err
	}
	if from == nil || to == nil {
		return nil, domain.Errorf(domain.CodeInvalid, "a statement needs from and to")
	}
	s := &Statement{WalletID: r.WalletID, From: *from, To: *to, query: q}
	if s.At, err = q.resolve(ctx, r.AsOf, r.MinPosition); err != nil {
		return nil, err
	}
	if s.Movements, err = q.period(ctx, r.WalletID, *from, *to, s.Position); err != nil {
		return nil, err
	}
	return s, nil
}

const linesAtOnce = 1000

// Lines reads the movements, the oldest first. After an error nothing follows.
func (s *Statement) Lines(ctx context.Context) iter.Seq2[StatementLine, error] {
	return func(yield func(StatementLine, error) bool) {
		for after := int64(0); ; {
			lines, err := s.lines(ctx, after)
			if err != nil {
				yield(StatementLine{}, err)
				return
			}
			for i := range lines {
				if !yield(lines[i], nil) {
					return
				}
				after = lines[i].Position
			}
			if len(lines) < linesAtOnce {
				return
			}
		}
	}
}

func (s *Statement) lines(ctx context.Context, after int64) ([]StatementLine, error) {
	w := &window{from: &s.From, to: &s.To, before: s.Position + 1}
	sql := `SELECT e.position, e.recorded_at, e.kind, e.generation_id, e.model, e.reference, e.reason,
		(e.wallet_amount + e.hold_amount)::text, (e.wallet_balance + e.hold_balance)::text
		FROM views.journal_entries_v2 e WHERE e.kind IN ('top_up', 'grant', 'adjustment', 'charge', 'correction')
		AND e.wallet_id = ` + w.arg(s.WalletID) + ` AND e.position > ` + w.arg(after) + w.bounds() +
		` ORDER BY e.position LIMIT ` + w.arg(linesAtOnce)
	var lines []StatementLine
	_, err := s.query.view.Read(ctx, 0, sql, `r.position`, w.args, func(row checkpoint.Row) error {
		var l StatementLine
		err := row(&l.Position, &l.RecordedAt, &l.Kind, &l.GenerationID, &l.Model, &l.Reference, &l.Reason, column.Amount(&l.Amount), column.Amount(&l.Balance))
		l.RecordedAt = l.RecordedAt.UTC()
		lines = append(lines, l)
		return err
	})
	return lines, err
}
