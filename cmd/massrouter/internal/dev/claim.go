package dev

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	marked = `SELECT to_regclass('public.massrouter_dev') IS NOT NULL`
	// empty counts everything of somebody's own: tables, views, sequences outside of the system's schemas.
	contents = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')`
	mark = `CREATE TABLE public.massrouter_dev (one boolean PRIMARY KEY DEFAULT true CHECK (one), folder uuid NOT NULL);
		COMMENT ON TABLE public.massrouter_dev IS 'Made by massrouter dev: this database belongs to one data folder.'`
)

// claim makes sure that a database that somebody named is ours: empty, and marked from now on, or marked by this folder
// before. Anything else is refused and left alone.
func claim(ctx context.Context, address string, folder uuid.UUID) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to the database that DATABASE_URL names: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var there bool
	if err := conn.QueryRow(ctx, marked).Scan(&there); err != nil {
		return fmt.Errorf("look for the database's mark: %w", err)
	}
	if there {
		return owned(ctx, conn, folder)
	}
	var things int64
	if err := conn.QueryRow(ctx, contents).Scan(&things); err != nil {
		return fmt.Errorf("look into the database: %w", err)
	}
	if things > 0 {
		return errors.New("the database that DATABASE_URL names holds data that 'massrouter dev' did not make: name an empty one")
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, mark); err != nil {
			return fmt.Errorf("mark the database: %w", err)
		}
		_, err := tx.Exec(ctx, `INSERT INTO public.massrouter_dev (folder) VALUES ($1)`, folder)
		return err
	})
}

func owned(ctx context.Context, conn *pgx.Conn, folder uuid.UUID) error {
	var owner uuid.UUID
	if err := conn.QueryRow(ctx, `SELECT folder FROM public.massrouter_dev`).Scan(&owner); err != nil {
		return fmt.Errorf("read the database's mark: %w", err)
	}
	if owner != folder {
		return errors.New("the database that DATABASE_URL names belongs to another data folder of 'massrouter dev': name an empty one, or use that folder with --data")
	}
	return nil
}
