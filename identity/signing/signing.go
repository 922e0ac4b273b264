// Package signing keeps the keys that sign access tokens, sealed, in Postgres. A new key is published some time before it signs, and stays published as long as
// a token of it may be good, so that every process knows it whenever it is asked about one.
package signing

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/token"
)

const (
	// Notice is how long a new key is published before it signs.
	Notice = 2 * time.Minute
	// afterglow is how long a key is published after the next one has begun to sign: its last tokens, and clocks that differ.
	afterglow = token.Life + 5*time.Minute
	// every is how often a process looks for new keys; several times within Notice.
	every = 10 * time.Second
	// MaxKeys bounds how many are published at once.
	MaxKeys = 8
)

// place is what seeds are sealed for; see docs/secrets.md.
const place = "identity.signing_keys"

// Sealer encrypts what is kept. name and owner are where: what was sealed for one owner opens for no other.
type Sealer interface {
	Seal(text []byte, name string, owner uuid.UUID) ([]byte, error)
	Open(sealed []byte, name string, owner uuid.UUID) ([]byte, error)
}

// Key is one that is published.
type Key struct {
	ID        uuid.UUID
	Thumb     string // its id in tokens and in the key set
	CreatedAt time.Time
	SignsFrom time.Time
	Signs     bool // now
}

// Store keeps keys. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	sealer Sealer
	now    func() time.Time
}

// New makes a Store.
func New(pool *pgxpool.Pool, sealer Sealer, now func() time.Time) *Store {
	return &Store{pool: pool, sealer: sealer, now: now}
}

// row is a key with its secret half.
type row struct {
	Key
	token token.Key
}

// Load is the keys that are published, the one that signs first, as token.Issuer.Use wants them. The first call ever makes one.
func (s *Store) Load(ctx context.Context) ([]token.Key, error) {
	rows, err := s.published(ctx)
	if err == nil && len(rows) == 0 {
		if err = s.first(ctx); err == nil {
			rows, err = s.published(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	keys := make([]token.Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].token
	}
	return keys, nil
}

// List is the keys that are published, the one that signs first.
func (s *Store) List(ctx context.Context) ([]Key, error) {
	rows, err := s.published(ctx)
	keys := make([]Key, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	return keys, err
}

// published reads the keys of this moment: those that are to sign, the one that signs, and those before it whose tokens may be good.
func (s *Store) published(ctx context.Context) ([]row, error) {
	now := s.now()
	found, err := s.pool.Query(ctx, `SELECT key_id, seed, created_at, signs_from,
			signs_from = (SELECT max(signs_from) FROM identity.signing_keys WHERE signs_from <= $1) AS signs
		FROM (SELECT *, lead(signs_from) OVER (ORDER BY signs_from) AS until FROM identity.signing_keys) k
		WHERE until IS NULL OR until > $2 ORDER BY signs DESC NULLS LAST, signs_from DESC, key_id`, now, now.Add(-afterglow))
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	rows, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (k row, err error) {
		var sealed []byte
		var signs *bool
		if err := r.Scan(&k.ID, &sealed, &k.CreatedAt, &k.SignsFrom, &signs); err != nil {
			return k, err
		}
		seed, err := s.sealer.Open(sealed, place, k.ID)
		if err != nil {
			return k, err
		}
		k.token, err = token.NewKey(seed)
		k.Thumb, k.Signs = k.token.ID, signs != nil && *signs
		k.CreatedAt, k.SignsFrom = k.CreatedAt.UTC(), k.SignsFrom.UTC()
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return rows, nil
}

// lock lets one process at a time make keys.
const lock = `SELECT pg_advisory_xact_lock(hashtextextended('identity signing keys', 0))`

// first makes the first key, which signs at once: nobody has a token yet.
func (s *Store) first(ctx context.Context) error {
	return identity.Wrap("make the first signing key", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lock); err != nil {
			return err
		}
		var is bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM identity.signing_keys)`).Scan(&is); err != nil || is {
			return err
		}
		_, err := s.add(ctx, tx, s.now())
		return err
	}))
}

// Rotate makes a key that signs after Notice. Errors: conflict when one waits to sign already, or when there are too many.
func (s *Store) Rotate(ctx context.Context) (Key, error) {
	if _, err := s.Load(ctx); err != nil { // there is one to take over from, and the keyset opens it
		return Key{}, err
	}
	var made Key
	return made, identity.Wrap("make a signing key", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(ctx, lock); err != nil {
			return err
		}
		var waiting, all int
		now := s.now()
		if err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE signs_from > $1), count(*) FILTER (WHERE signs_from > $2) FROM identity.signing_keys`,
			now, now.Add(-afterglow)).Scan(&waiting, &all); err != nil {
			return err
		}
		if waiting > 0 || all >= MaxKeys {
			return domain.Errorf(domain.CodeConflict, "a new key waits to sign, or there were several of late: rotate later")
		}
		if made, err = s.add(ctx, tx, now.Add(Notice)); err != nil {
			return err
		}
		return auditlog.Record(ctx, tx, trail.Change{Target: trail.Of("signing-key", made.ID), After: map[string]any{"kid": made.Thumb, "signs_from": made.SignsFrom}})
	}))
}

func (s *Store) add(ctx context.Context, tx pgx.Tx, from time.Time) (Key, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Key{}, fmt.Errorf("name a signing key: %w", err)
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails
	made, err := token.NewKey(seed)
	if err != nil {
		return Key{}, err
	}
	sealed, err := s.sealer.Seal(seed, place, id)
	if err != nil {
		return Key{}, fmt.Errorf("seal a signing key: %w", err)
	}
	k := Key{ID: id, Thumb: made.ID, CreatedAt: domain.Moment(s.now()), SignsFrom: domain.Moment(from)}
	_, err = tx.Exec(ctx, `INSERT INTO identity.signing_keys (key_id, seed, created_at, signs_from) VALUES ($1, $2, $3, $4)`, k.ID, sealed, k.CreatedAt, k.SignsFrom)
	return k, err
}

// Prune forgets keys whose last token is over, and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.signing_keys WHERE key_id IN (
		SELECT key_id FROM (SELECT key_id, lead(signs_from) OVER (ORDER BY signs_from) AS until FROM identity.signing_keys) k WHERE until <= $1)`, s.now().Add(-afterglow))
	return tag.RowsAffected(), identity.Wrap("forget signing keys", err)
}

// Follow gives an issuer the keys as they come and go, until the context ends. What cannot be read leaves them as they were.
func (s *Store) Follow(ctx context.Context, issuer *token.Issuer, onError func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		keys, err := s.Load(ctx)
		if err == nil {
			err = issuer.Use(keys...)
		}
		if err != nil && ctx.Err() == nil {
			onError(err)
		}
	}
}
