package content

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// late is how long a call's content may wait for being stored, with much to spare: what was erased is known for so long.
const late = 24 * time.Hour

// Erase erases what is stored of a call, and what comes late. wallet is whose call it is. Errors: ledger_unavailable.
func (s *Store) Erase(ctx context.Context, walletID, generation uuid.UUID) error {
	c := trail.Change{Target: "content:" + domain.GenerationID(generation), Wallet: walletID}
	_, err := auditlog.Exec(ctx, s.pool, c, `
		INSERT INTO gateway.contents AS c (generation_id, wallet_id, key_id, state, dialect, operation, model, streamed, error, request_media, request_bytes,
			request_sealed, response_media, response_bytes, response_sealed, started_at, expires_at)
		VALUES ($1, $2, '00000000-0000-0000-0000-000000000000', 'erased', '', '', '', false, '', '', 0, 0, '', 0, 0, now(), now() + $3)
		ON CONFLICT (generation_id) DO UPDATE SET state = 'erased', sealed = NULL, dialect = '', operation = '', model = '', error = '',
			request_media = '', request_bytes = 0, request_sealed = 0, response_media = '', response_bytes = 0, response_sealed = 0,
			expires_at = greatest(c.expires_at, excluded.expires_at)
		WHERE c.wallet_id = excluded.wallet_id`, generation, walletID, late)
	if err != nil {
		return unavailable("erase the content of a call", err)
	}
	return nil
}

// EraseAll erases what is stored of all calls of a wallet that have begun. From its first statement on nothing of them is shown or stored any more;
// should it end early, the sweep does the rest. Errors: ledger_unavailable.
func (s *Store) EraseAll(ctx context.Context, walletID uuid.UUID) error {
	return s.eraseAll(ctx, walletID, false, func(tx pgx.Tx) error {
		return auditlog.Record(ctx, tx, trail.Change{Target: trail.Of("contents", walletID), Wallet: walletID})
	})
}

// EraseLeft is EraseAll of a wallet that has no owner since ended, by a program that does so again and again: requests that were under way may have stored something.
// Only the first time leaves an entry of the audit trail. Errors: ledger_unavailable.
func (s *Store) EraseLeft(ctx context.Context, walletID uuid.UUID, ended time.Time, actor string) error {
	return s.eraseAll(ctx, walletID, false, func(tx pgx.Tx) error {
		var before bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM gateway.content_erasures WHERE wallet_id = $1 AND erased_at >= $2)`, walletID, ended).Scan(&before)
		if err != nil || before {
			return err
		}
		return auditlog.Record(ctx, tx, trail.Change{Actor: actor, Action: "contents.erase", Target: trail.Of("contents", walletID), Wallet: walletID})
	})
}

// eraseAll is EraseAll; when shut, of calls to come as well, until Apply says otherwise. note leaves the entry of it before it is done.
func (s *Store) eraseAll(ctx context.Context, walletID uuid.UUID, shut bool, note func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1::int, hashtext($2::uuid::text))`, lockClass, walletID); err != nil {
			return err
		}
		if err := note(tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO gateway.content_erasures (wallet_id, erased_at) VALUES ($1, CASE WHEN $2 THEN 'infinity' ELSE clock_timestamp() END)
			ON CONFLICT (wallet_id) DO UPDATE SET erased_at = greatest(content_erasures.erased_at, excluded.erased_at)`, walletID, shut)
		return err
	})
	if err != nil {
		return unavailable("erase the contents of a wallet", err)
	}
	_, err = s.batches(ctx, `wallet_id = $2 AND started_at <= (SELECT erased_at FROM gateway.content_erasures WHERE wallet_id = $2)`, walletID)
	return err
}

// Apply lets what is stored of a wallet's calls be no more than its owner wants now. Errors: ledger_unavailable.
func (s *Store) Apply(ctx context.Context, walletID uuid.UUID, p wallet.ContentStorage) error {
	if p.RetentionHours == 0 {
		return s.eraseAll(ctx, walletID, true, func(pgx.Tx) error { return nil }) // the setting that it follows from has its entry
	}
	if _, err := s.pool.Exec(ctx, `UPDATE gateway.content_erasures SET erased_at = clock_timestamp() WHERE wallet_id = $1 AND erased_at = 'infinity'`, walletID); err != nil {
		return unavailable("let contents be stored again", err)
	}
	if len(p.Keys) > 0 {
		if _, err := s.batches(ctx, `wallet_id = $2 AND NOT key_id = ANY($3) AND state <> 'erased'`, walletID, p.Keys); err != nil {
			return err
		}
	}
	retention := time.Duration(p.RetentionHours) * time.Hour
	_, err := s.pool.Exec(ctx, `UPDATE gateway.contents SET expires_at = started_at + $2::interval
		WHERE wallet_id = $1 AND expires_at > started_at + $2::interval AND state <> 'erased'`, walletID, retention)
	if err != nil {
		return unavailable("shorten the time of contents", err)
	}
	return nil
}

// step is how many contents one statement deletes.
const step = 500

// batches deletes the contents of a condition, whose own parameters begin with $2.
func (s *Store) batches(ctx context.Context, condition string, args ...any) (int64, error) {
	var total int64
	for {
		tag, err := s.pool.Exec(ctx, `DELETE FROM gateway.contents WHERE generation_id IN (SELECT generation_id FROM gateway.contents WHERE `+condition+` LIMIT $1)`,
			append([]any{step}, args...)...)
		if err != nil {
			return total, unavailable("erase contents", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < step {
			return total, nil
		}
	}
}
