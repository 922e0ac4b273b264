package hits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/wall"
)

// Store keeps hits in PostgreSQL.
type Store struct{ pool *pgxpool.Pool }

// New makes a Store.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// write stores hits and counts them: those that are there already, because it was not known whether an earlier try had come through, are not
// counted again.
func (s *Store) write(ctx context.Context, all []Hit) error {
	n := len(all)
	id, owner, key, source := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	model, saved, streamed := make([]string, n), make([]string, n), make([]bool, n)
	took, at := make([]int64, n), make([]time.Time, n)
	for i := range all {
		h := &all[i]
		id[i], owner[i], key[i], source[i], model[i], saved[i] = h.ID, h.Wallet, h.Key, h.Source, h.Model, h.Saved.String()
		streamed[i], took[i], at[i] = h.Streamed, h.Duration.Milliseconds(), h.At.UTC()
	}
	_, err := s.pool.Exec(ctx, `
		WITH fresh AS (
			INSERT INTO gateway.cache_hits (hit_id, wallet_id, key_id, source_id, model, saved, streamed, duration_ms, answered_at)
			SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::numeric[], $7::bool[], $8::bigint[], $9::timestamptz[])
			ON CONFLICT (hit_id) DO NOTHING RETURNING wallet_id, key_id, model, saved, (answered_at AT TIME ZONE 'UTC')::date AS day
		)
		INSERT INTO gateway.cache_hit_days AS d (wallet_id, key_id, day, model, hits, saved)
		SELECT wallet_id, key_id, day, model, count(*), sum(saved) FROM fresh GROUP BY wallet_id, day, key_id, model ORDER BY wallet_id, day, key_id, model
		ON CONFLICT (wallet_id, day, key_id, model) DO UPDATE SET hits = d.hits + excluded.hits, saved = d.saved + excluded.saved`,
		id, owner, key, source, model, saved, streamed, took, at)
	return err
}

// Find is one hit of a wallet. It is read behind the wall when a tenant asks, as Days is. Errors: not_found, ledger_unavailable.
func (s *Store) Find(ctx context.Context, id, walletID uuid.UUID) (Hit, error) {
	h := Hit{ID: id, Wallet: walletID}
	var saved string
	var took int64
	rows, err := wall.Query(ctx, s.pool, `SELECT key_id, source_id, model, saved::text, streamed, duration_ms, answered_at FROM gateway.cache_hits
		WHERE hit_id = $1 AND wallet_id = $2`, id, walletID)
	if err == nil {
		_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) {
			return struct{}{}, row.Scan(&h.Key, &h.Source, &h.Model, &saved, &h.Streamed, &took, &h.At)
		})
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Hit{}, noHit()
	case err != nil:
		return Hit{}, unavailable("look a hit up", err)
	}
	h.At, h.Duration = h.At.UTC(), time.Duration(took)*time.Millisecond
	if h.Saved, err = money.Parse(saved); err != nil {
		return Hit{}, fmt.Errorf("read what a hit saved: %w", err)
	}
	return h, nil
}

func noHit() error {
	return domain.Errorf(domain.CodeNotFound, "no answer of that name was given again")
}

// MaxDays bounds how many days can be asked for at once.
const MaxDays = 366

// Days counts the hits of a wallet from one UTC day to another, both included, the latest first; by key and model within a day. Errors:
// invalid_request, ledger_unavailable.
func (s *Store) Days(ctx context.Context, walletID uuid.UUID, from, to time.Time) ([]Day, error) {
	if to.Before(from) || to.Sub(from) > MaxDays*24*time.Hour {
		return nil, domain.Errorf(domain.CodeInvalid, "from is no later than to, and at most %d days before it", MaxDays)
	}
	rows, err := wall.Query(ctx, s.pool, `SELECT day, key_id, model, hits, saved::text FROM gateway.cache_hit_days
		WHERE wallet_id = $1 AND day BETWEEN $2::date AND $3::date ORDER BY day DESC, key_id, model`,
		walletID, from.UTC().Format(time.DateOnly), to.UTC().Format(time.DateOnly))
	if err != nil {
		return nil, unavailable("count hits", err)
	}
	days, err := pgx.CollectRows(rows, scanDay)
	if err != nil {
		return nil, unavailable("count hits", err)
	}
	return days, nil
}

func scanDay(row pgx.CollectableRow) (d Day, err error) {
	var saved string
	if err := row.Scan(&d.Day, &d.Key, &d.Model, &d.Hits, &saved); err != nil {
		return d, err
	}
	d.Saved, err = money.Parse(saved)
	return d, err
}

// Purge deletes the single hits that are older than Keep, in steps, and says how many.
func (s *Store) Purge(ctx context.Context) (int64, error) {
	const step = 5000
	var total int64
	for {
		tag, err := s.pool.Exec(ctx, `DELETE FROM gateway.cache_hits WHERE hit_id IN (
			SELECT hit_id FROM gateway.cache_hits WHERE answered_at < now() - $1::interval LIMIT $2)`, Keep, step)
		if err != nil {
			return total, unavailable("delete old hits", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < step {
			return total, nil
		}
	}
}

func unavailable(what string, err error) error {
	return domain.Errorf(domain.CodeUnavailable, "what is known of cached answers cannot be reached; try again").Wrap(fmt.Errorf("%s: %w", what, err))
}
