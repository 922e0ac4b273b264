// Package resealing encrypts what the database keeps sealed again, with the primary key of the keyset. It knows every column with
// sealed values.
package resealing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/vault"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// column has sealed values. Its table's rows have a uuid for an id.
type column struct {
	table, name, row, owner string
	salt                    string // a column that is empty but for rows that the keyset has not sealed; "" without
	batch                   int    // rows at once
	reseal                  func(keys Keys, owner, row uuid.UUID, salt, sealed []byte) ([]byte, error)
}

// Keys are what opens and what seals.
type Keys struct {
	Keyset   *envelope.Keyring
	Webhooks *webhook.Keyring // with the keyset
}

func columns() []column {
	return []column{
		{
			table: "webhooks.secrets", name: "sealed", row: "id", owner: "webhook_id", salt: "salt", batch: 200,
			reseal: func(keys Keys, owner, row uuid.UUID, salt, sealed []byte) ([]byte, error) {
				return keys.Webhooks.Reseal(salt, sealed, owner, row)
			},
		},
		{
			table: "gateway.vendor_keys", name: "sealed", row: "id", owner: "wallet_id", batch: 200,
			reseal: func(keys Keys, owner, row uuid.UUID, _, sealed []byte) ([]byte, error) {
				place := ownkey.Place(row, owner)
				secret, err := keys.Keyset.Open(sealed, place)
				if err != nil {
					return nil, err
				}
				return keys.Keyset.Seal(secret, place)
			},
		},
		people("identity.totp", "secret", "user_id"),
		people("identity.signing_keys", "seed", "key_id"),
		people("identity.sso_connections", "client_secret", "connection_id"),
		{
			table: "gateway.contents", name: "sealed", row: "generation_id", owner: "wallet_id", batch: 8, // of up to 2 MiB each
			reseal: func(keys Keys, owner, row uuid.UUID, _, sealed []byte) ([]byte, error) {
				text, err := keys.Keyset.Open(sealed, content.Place(owner, row))
				if err != nil {
					return nil, err
				}
				return keys.Keyset.Seal(text, content.Place(owner, row))
			},
		},
	}
}

// people is a column that package vault has sealed, for the row itself.
func people(table, name, row string) column {
	return column{
		table: table, name: name, row: row, owner: row, batch: 200,
		reseal: func(keys Keys, _, id uuid.UUID, _, sealed []byte) ([]byte, error) {
			return vault.New(keys.Keyset).Reseal(sealed, table, id)
		},
	}
}

// Options of a run.
type Options struct {
	Keys   Keys
	DryRun bool
	// OnBatch is told of progress in a table.
	OnBatch func(table string, done, unreadable int64)
}

// Result is what was done to a table.
type Result struct {
	Table      string `json:"table"`
	Resealed   int64  `json:"resealed"` // rows; those that would be, of a dry run
	Unreadable int64  `json:"unreadable"`
	// Rows are the first unreadable ones, by their ids.
	Rows []string `json:"unreadable_rows,omitempty"`
}

const maxNamed = 20

// Run reseals all rows that were not sealed with the primary key. Each batch is a transaction: what was cut off is taken up by running it
// again. A row that no key opens is left as it is, and counted.
func Run(ctx context.Context, pool *pgxpool.Pool, o Options) ([]Result, error) {
	var all []Result
	for _, c := range columns() {
		r, err := c.run(ctx, pool, o)
		if err != nil {
			return all, fmt.Errorf("reseal %s: %w", c.table, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (c column) run(ctx context.Context, pool *pgxpool.Pool, o Options) (Result, error) {
	r := Result{Table: c.table}
	for after := uuid.Nil; ; {
		n := 0
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
			after, n, err = c.step(ctx, tx, o, after, &r)
			return err
		})
		if err != nil {
			return r, err
		}
		if n == 0 {
			return r, nil
		}
		if o.OnBatch != nil {
			o.OnBatch(c.table, r.Resealed, r.Unreadable)
		}
	}
}

// sealedRow is a row as it is now.
type sealedRow struct {
	row, owner   uuid.UUID
	salt, sealed []byte
}

// step reseals the next rows, by id. The rows are locked first, so that nobody's change is lost.
func (c column) step(ctx context.Context, tx pgx.Tx, o Options, after uuid.UUID, r *Result) (last uuid.UUID, n int, err error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %[2]s, %[3]s, %[5]s, %[4]s FROM %[1]s WHERE %[2]s > $1 AND (substr(%[4]s, %[6]d, %[7]d) <> $2 OR %[5]s <> '')
		ORDER BY %[2]s LIMIT %[8]d FOR NO KEY UPDATE`, c.table, c.row, c.owner, c.name, c.saltOrNone(), envelope.KeyIDAt, envelope.KeyIDBytes, c.batch),
		after, binary.BigEndian.AppendUint32(nil, o.Keys.Keyset.Primary()))
	if err != nil {
		return after, 0, err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sealedRow, err error) {
		return s, row.Scan(&s.row, &s.owner, &s.salt, &s.sealed)
	})
	if err != nil || len(found) == 0 {
		return after, 0, err
	}
	var ids []uuid.UUID
	var sealed [][]byte
	for _, s := range found {
		anew, err := c.reseal(o.Keys, s.owner, s.row, s.salt, s.sealed)
		if err != nil {
			r.Unreadable++
			if len(r.Rows) < maxNamed {
				r.Rows = append(r.Rows, s.row.String())
			}
			continue
		}
		ids, sealed = append(ids, s.row), append(sealed, anew)
	}
	r.Resealed += int64(len(ids))
	last = found[len(found)-1].row
	if o.DryRun {
		return last, len(found), nil
	}
	return last, len(found), c.write(ctx, tx, ids, sealed)
}

func (c column) saltOrNone() string {
	if c.salt == "" {
		return "''::bytea"
	}
	return c.salt
}

func (c column) write(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, sealed [][]byte) error {
	also := ""
	if c.salt != "" {
		also = ", " + c.salt + " = ''"
	}
	tag, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE %[1]s t SET %[3]s = u.sealed%[4]s FROM unnest($1::uuid[], $2::bytea[]) AS u(id, sealed) WHERE t.%[2]s = u.id`,
		c.table, c.row, c.name, also), ids, sealed)
	if err == nil && tag.RowsAffected() != int64(len(ids)) {
		err = errors.New("a locked row is gone")
	}
	return err
}

// Use is how many values of a table a key has sealed.
type Use struct {
	Table string `json:"table"`
	Key   string `json:"key"` // its id; "webhook" for MASSROUTER_WEBHOOK_KEY
	Rows  int64  `json:"rows"`
}

// Uses counts the sealed values of all tables by key.
func Uses(ctx context.Context, pool *pgxpool.Pool) ([]Use, error) {
	var all []Use
	for _, c := range columns() {
		rows, err := pool.Query(ctx, fmt.Sprintf(`SELECT CASE WHEN %[3]s = '' THEN substr(%[2]s, %[4]d, %[5]d) END AS key, count(*) FROM %[1]s WHERE %[2]s IS NOT NULL GROUP BY key ORDER BY key`,
			c.table, c.name, c.saltOrNone(), envelope.KeyIDAt, envelope.KeyIDBytes))
		if err != nil {
			return nil, fmt.Errorf("count what %s has: %w", c.table, err)
		}
		uses, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Use, error) {
			u := Use{Table: c.table, Key: "webhook"}
			var id []byte
			err := row.Scan(&id, &u.Rows)
			if len(id) == envelope.KeyIDBytes {
				u.Key = strconv.FormatUint(uint64(binary.BigEndian.Uint32(id)), 10)
			}
			return u, err
		})
		if err != nil {
			return nil, fmt.Errorf("count what %s has: %w", c.table, err)
		}
		all = append(all, uses...)
	}
	return all, nil
}
