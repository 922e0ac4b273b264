package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

// Store keeps contents in PostgreSQL.
type Store struct {
	pool *pgxpool.Pool
	keys *envelope.Keyring
}

// New makes a Store. keys seal what is stored.
func New(pool *pgxpool.Pool, keys *envelope.Keyring) *Store { return &Store{pool: pool, keys: keys} }

// lockClass sets the advisory locks of this package apart. Who stores for a wallet shares its lock, who erases has it alone: what is erased
// cannot be stored by somebody who had looked before.
const lockClass = 7_023

// entry is a call on its way to the database.
type entry struct {
	Call
	dropped bool // there was no room for its bodies
}

// put stores calls. What is there already stays, and what was erased is not stored.
func (s *Store) put(ctx context.Context, entries []*entry) error {
	rows, err := s.rows(entries)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Losing a moment of it in a crash of the database is no harm.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1::int, hashtext(w::text)) FROM (SELECT DISTINCT unnest($2::uuid[]) AS w) AS all_wallets`,
			lockClass, rows.wallet); err != nil {
			return fmt.Errorf("lock the wallets: %w", err)
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO gateway.contents (generation_id, wallet_id, key_id, state, dialect, operation, model, streamed, error, request_media, request_bytes,
				request_sealed, response_media, response_bytes, response_sealed, sealed, started_at, expires_at)
			SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::text[], $10::text[], $11::bigint[],
				$12::int[], $13::text[], $14::bigint[], $15::int[], $16::bytea[], $17::timestamptz[], $18::timestamptz[])
				AS u(generation_id, wallet_id, key_id, state, dialect, operation, model, streamed, error, request_media, request_bytes,
				request_sealed, response_media, response_bytes, response_sealed, sealed, started_at, expires_at)
			WHERE NOT EXISTS (SELECT FROM gateway.content_erasures e WHERE e.wallet_id = u.wallet_id AND e.erased_at >= u.started_at)
			ON CONFLICT (generation_id) DO NOTHING`,
			rows.generation, rows.wallet, rows.key, rows.state, rows.dialect, rows.operation, rows.model, rows.streamed, rows.failure, rows.requestMedia, rows.requestBytes,
			rows.requestSealed, rows.responseMedia, rows.responseBytes, rows.responseSealed, rows.sealed, rows.started, rows.expires)
		return err
	})
}

// columns are those of gateway.contents.
type columns struct {
	generation, wallet, key                   []uuid.UUID
	state, dialect, operation, model, failure []string
	requestMedia, responseMedia               []string
	streamed                                  []bool
	requestBytes, responseBytes               []int64
	requestSealed, responseSealed             []int32
	sealed                                    [][]byte
	started, expires                          []time.Time
}

func (s *Store) rows(entries []*entry) (*columns, error) {
	c := new(columns)
	for _, e := range entries {
		state, sealed := Stored, []byte(nil)
		if e.dropped {
			state = Dropped
		} else {
			var err error
			if sealed, err = s.keys.Seal(join(e.Request.Bytes, e.Response.Bytes), Place(e.Wallet, e.Generation)); err != nil {
				return nil, err
			}
		}
		c.generation, c.wallet, c.key = append(c.generation, e.Generation), append(c.wallet, e.Wallet), append(c.key, e.Key)
		c.state, c.dialect, c.operation = append(c.state, string(state)), append(c.dialect, clean(e.Dialect)), append(c.operation, clean(e.Operation))
		c.model, c.failure, c.streamed = append(c.model, clean(e.Model)), append(c.failure, clean(e.Error)), append(c.streamed, e.Streamed)
		c.requestMedia, c.responseMedia = append(c.requestMedia, clean(e.Request.Media)), append(c.responseMedia, clean(e.Response.Media))
		c.requestBytes, c.responseBytes = append(c.requestBytes, e.Request.Length), append(c.responseBytes, e.Response.Length)
		c.requestSealed = append(c.requestSealed, int32(len(e.Request.Bytes)))    //nolint:gosec // at most MaxBody
		c.responseSealed = append(c.responseSealed, int32(len(e.Response.Bytes))) //nolint:gosec // at most MaxBody
		c.sealed, c.started, c.expires = append(c.sealed, sealed), append(c.started, e.StartedAt), append(c.expires, e.StartedAt.Add(e.Retention))
	}
	return c, nil
}

// clean is a short text that callers may have a hand in, as the database takes it.
func clean(text string) string {
	const longest = 300
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}

// refusedForGood says whether the database would refuse the same statement again.
func refusedForGood(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "22") || strings.HasPrefix(e.Code, "23")) // the data, or a constraint
}

// live is the condition of what may be shown.
const live = `c.expires_at > now() AND NOT EXISTS (SELECT FROM gateway.content_erasures e WHERE e.wallet_id = c.wallet_id AND e.erased_at >= c.started_at)`

// Get reads what is stored of a call, behind the wall when a tenant asks. wallets are those whose contents may be read; all of them when nil. Errors: not_found, content_unreadable, ledger_unavailable.
func (s *Store) Get(ctx context.Context, generation uuid.UUID, wallets []uuid.UUID) (Content, error) {
	c := Content{Call: Call{Generation: generation}}
	var sealed []byte
	rows, err := wall.Query(ctx, s.pool, `SELECT c.wallet_id, c.key_id, c.state, c.dialect, c.operation, c.model, c.streamed, c.error, c.request_media, c.request_bytes,
			c.response_media, c.response_bytes, c.sealed, c.started_at, c.expires_at
		FROM gateway.contents c WHERE c.generation_id = $1 AND `+live, generation)
	if err == nil {
		_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (_ struct{}, err error) {
			return struct{}{}, row.Scan(&c.Wallet, &c.Key, &c.State, &c.Dialect, &c.Operation, &c.Model, &c.Streamed, &c.Error, &c.Request.Media, &c.Request.Length,
				&c.Response.Media, &c.Response.Length, &sealed, &c.StartedAt, &c.ExpiresAt)
		})
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && wallets != nil && !slices.Contains(wallets, c.Wallet):
		return Content{}, noContent()
	case err != nil:
		return Content{}, unavailable("read the content of a call", err)
	}
	c.StartedAt, c.ExpiresAt = c.StartedAt.UTC(), c.ExpiresAt.UTC()
	c.Retention = c.ExpiresAt.Sub(c.StartedAt)
	if c.State != Stored {
		return c, nil
	}
	text, err := s.keys.Open(sealed, Place(c.Wallet, generation))
	if err == nil {
		c.Request.Bytes, c.Response.Bytes, err = split(text)
	}
	if err != nil {
		return Content{}, domain.Errorf(CodeUnreadable, "what is stored of the call cannot be read with the keys of this service").Wrap(err)
	}
	return c, nil
}

func unavailable(what string, err error) error {
	return domain.Errorf(domain.CodeUnavailable, "what is stored of calls cannot be reached; try again").Wrap(fmt.Errorf("%s: %w", what, err))
}
