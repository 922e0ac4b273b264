// Package schema moves a database between the numbered versions of the embedded migrations, under golang-migrate's
// advisory lock, so that any number of processes may try at the same time.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/massrouter/massrouter/migrations"
)

// Migration is one numbered pair.
type Migration struct {
	Version uint   `json:"version"`
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
}

// Status is where a database stands.
type Status struct {
	Version    uint        `json:"version"` // 0: nothing was applied
	Latest     uint        `json:"latest"`  // of this program
	Dirty      bool        `json:"dirty"`   // a migration failed half-way and needs a person
	Migrations []Migration `json:"migrations"`
}

// All lists the embedded migrations in order.
func All() ([]Migration, error) {
	names, err := fs.Glob(migrations.FS, "*.up.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	slices.Sort(names)
	all := make([]Migration, 0, len(names))
	for _, name := range names {
		number, rest, _ := strings.Cut(name, "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read the number of migration %s: %w", name, err)
		}
		all = append(all, Migration{Version: uint(version), Name: strings.TrimSuffix(rest, ".up.sql")})
	}
	return all, nil
}

// Up applies all migrations that are missing, or only the given number of them when steps is above 0.
func Up(ctx context.Context, address string, steps int) (Status, error) {
	return move(ctx, address, func(m *migrate.Migrate) error {
		if steps > 0 {
			return m.Steps(steps)
		}
		return m.Up()
	})
}

// Down takes back the given number of migrations, the newest first; 0 means all. Data in what they made is lost.
func Down(ctx context.Context, address string, steps int) (Status, error) {
	return move(ctx, address, func(m *migrate.Migrate) error {
		if steps > 0 {
			return m.Steps(-steps)
		}
		return m.Down()
	})
}

// Read says where a database stands without changing it.
func Read(ctx context.Context, address string) (Status, error) {
	config, err := parse(address)
	if err != nil {
		return Status{}, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Status{}, fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing was written
	status, err := pending()
	if err != nil {
		return Status{}, err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('schema_migrations') IS NOT NULL").Scan(&there); err != nil {
		return Status{}, fmt.Errorf("look for the schema's version: %w", err)
	}
	if !there {
		return status, nil
	}
	var version int64
	err = conn.QueryRow(ctx, "SELECT version, dirty FROM schema_migrations").Scan(&version, &status.Dirty)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Status{}, fmt.Errorf("read the schema's version: %w", err)
	}
	status.reach(uint(max(version, 0)))
	return status, nil
}

// Check refuses a database that is not at this program's version.
func Check(ctx context.Context, address string) error {
	status, err := Read(ctx, address)
	switch {
	case err != nil:
		return err
	case status.Dirty:
		return fmt.Errorf("migration %d of the database failed half-way: repair it by hand", status.Version)
	case status.Version < status.Latest:
		return fmt.Errorf("the database is at version %d, this program needs %d: run 'massrouter migrate up'", status.Version, status.Latest)
	case status.Version > status.Latest:
		return fmt.Errorf("the database is at version %d, this program knows only %d: use a newer program", status.Version, status.Latest)
	}
	return nil
}

func pending() (Status, error) {
	all, err := All()
	if err != nil {
		return Status{}, err
	}
	status := Status{Migrations: all}
	for _, m := range all {
		status.Latest = max(status.Latest, m.Version)
	}
	return status, nil
}

func (s *Status) reach(version uint) {
	s.Version = version
	for i := range s.Migrations {
		s.Migrations[i].Applied = s.Migrations[i].Version <= version
	}
}

func parse(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("DATABASE_URL is no PostgreSQL address") // the cause may quote the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 15 * time.Second
	}
	return config, nil
}

// move runs golang-migrate; when ctx ends it stops after the migration under way.
func move(ctx context.Context, address string, apply func(*migrate.Migrate) error) (_ Status, err error) {
	config, err := parse(address)
	if err != nil {
		return Status{}, err
	}
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return Status{}, fmt.Errorf("connect to the database: %w", err)
	}
	m, err := open(db)
	if err != nil {
		return Status{}, err
	}
	stopped := context.AfterFunc(ctx, func() { m.GracefulStop <- true })
	err = apply(m)
	stopped()
	sourceErr, databaseErr := m.Close()
	if err := errors.Join(explain(err), sourceErr, databaseErr); err != nil {
		return Status{}, err
	}
	return Read(context.WithoutCancel(ctx), address)
}

func open(db *sql.DB) (*migrate.Migrate, error) {
	source, err := iofs.New(migrations.FS, ".")
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		return nil, fmt.Errorf("prepare the database for migrations: %w", err)
	}
	m, err := migrate.NewWithInstance("iofs", source, "pgx5", driver)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	m.LockTimeout = time.Minute
	return m, nil
}

// explain drops what is no failure, and the whole SQL text that golang-migrate adds to an error.
func explain(err error) error {
	var failed database.Error
	var short migrate.ErrShortLimit
	switch {
	case err == nil, errors.Is(err, migrate.ErrNoChange), errors.As(err, &short), errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &failed):
		return fmt.Errorf("apply a migration: %w", failed.OrigErr)
	}
	return fmt.Errorf("apply the migrations: %w", err)
}
