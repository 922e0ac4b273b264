// Package scratch gives a measurement a migrated, durable database of its own and removes it afterwards.
package scratch

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/internal/pgcluster"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
)

// Database is a scratch database.
type Database struct {
	URL   string
	close func() error
}

// Open makes a database on the server that the address names, or on a private server when the address is empty.
func Open(ctx context.Context, address string, log zerolog.Logger) (_ *Database, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var d *Database
	if address == "" {
		d, err = private(ctx, log)
	} else {
		d, err = beside(ctx, address)
	}
	if err != nil {
		return nil, err
	}
	if _, err := schema.Up(ctx, d.URL, 0); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Keep finds or makes a database that stays: one of that name on the server that the address names, or that of a private server
// whose data is in dir. Closing it stops the private server and removes nothing.
func Keep(ctx context.Context, address, dir, name string, log zerolog.Logger) (_ *Database, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var d *Database
	if address == "" {
		d, err = keptCluster(ctx, dir, log)
	} else {
		d, err = keptBeside(ctx, address, name)
	}
	if err != nil {
		return nil, err
	}
	if _, err := schema.Up(ctx, d.URL, 0); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func keptCluster(ctx context.Context, dir string, log zerolog.Logger) (*Database, error) {
	own := settings()
	own["min_wal_size"], own["max_wal_size"] = "512MB", "2GB" // it stays on disk when the server is stopped
	cluster, err := pgcluster.Start(ctx, pgcluster.Options{Dir: dir, Durable: true, Logger: log, Settings: own})
	if err != nil {
		return nil, fmt.Errorf("start a private PostgreSQL: %w", err)
	}
	return &Database{URL: cluster.URL("postgres"), close: later(ctx, cluster.Stop)}, nil
}

func keptBeside(ctx context.Context, address, name string) (*Database, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("DATABASE_URL is no URL") // the cause may quote the password
	}
	err = run(ctx, address, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P04" { // it is there
		err = nil
	}
	u.Path = "/" + name
	return &Database{URL: u.String(), close: func() error { return nil }}, err
}

// Close removes the database, and the private server if there is one.
func (d *Database) Close() error { return d.close() }

// later makes a clean-up that runs although the context that it comes from has ended by then.
func later(ctx context.Context, clean func(context.Context) error) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return clean(ctx)
	}
}

// settings are what an operator would give a server of this size; durability is untouched.
func settings() map[string]string {
	return map[string]string{
		"shared_buffers": "2GB", "min_wal_size": "2GB", "max_wal_size": "8GB", "wal_buffers": "64MB", "huge_pages": "try",
	}
}

func private(ctx context.Context, log zerolog.Logger) (*Database, error) {
	cluster, err := pgcluster.Start(ctx, pgcluster.Options{Durable: true, Logger: log, Settings: settings()})
	if err != nil {
		return nil, fmt.Errorf("start a private PostgreSQL: %w", err)
	}
	if err := age(ctx, cluster.URL("postgres")); err != nil {
		return nil, errors.Join(err, later(ctx, cluster.Stop)())
	}
	return &Database{URL: cluster.URL("postgres"), close: later(ctx, cluster.Stop)}, nil
}

// segments of 16 MB of the write-ahead log are made ahead.
const segments = 80

// age brings a new server's write-ahead log to the state in which it always is later: segments that were used before wait
// to be used again. A new segment is filled with zeros and flushed first, which holds every commit up for some 70 ms.
func age(ctx context.Context, address string) error {
	statements := make([]string, 0, 2*segments+1)
	for range segments {
		statements = append(statements, "SELECT pg_logical_emit_message(true, '', '')", "SELECT pg_switch_wal()")
	}
	return run(ctx, address, append(statements, "CHECKPOINT")...)
}

// beside makes a database with a name of its own on a server that is there.
func beside(ctx context.Context, address string) (*Database, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("DATABASE_URL is no URL") // the cause may quote the password
	}
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("choose a name: %w", err)
	}
	name := "massrouter_bench_" + hex.EncodeToString(random)
	if err := run(ctx, address, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return nil, err
	}
	u.Path = "/" + name
	return &Database{URL: u.String(), close: later(ctx, func(ctx context.Context) error {
		return run(ctx, address, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	})}, nil
}

func run(ctx context.Context, address string, statements ...string) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to the database server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare a scratch database: %w", err)
		}
	}
	return nil
}
