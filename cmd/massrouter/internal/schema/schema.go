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
	Dirty      bool        `json:"dirty"`   // an older program did not see the end of a migration
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
	status, err := Read(ctx, address)
	if err != nil {
		return Status{}, err
	}
	if status.Dirty {
		return Status{}, status.unfinished()
	}
	if status.before(steps) >= tenantBegins {
		config, err := parse(address)
		if err != nil {
			return Status{}, err
		}
		if err := readyTenant(ctx, config); err != nil {
			return Status{}, err
		}
	}
	return move(ctx, address, func(m *migrate.Migrate) error { return repeat(ctx, steps, func() error { return m.Steps(1) }) })
}

// repeat goes so many steps, or all for 0, one at a time: golang-migrate leaves goroutines behind when it has read on and a migration fails.
func repeat(ctx context.Context, steps int, step func() error) error {
	for n := 0; (steps == 0 || n < steps) && ctx.Err() == nil; n++ {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// before is the version that so many migrations more, or all for 0, lead to.
func (s *Status) before(steps int) uint {
	missing := slices.DeleteFunc(slices.Clone(s.Migrations), func(m Migration) bool { return m.Applied })
	if len(missing) == 0 {
		return s.Version
	}
	if steps == 0 || steps > len(missing) {
		steps = len(missing)
	}
	return missing[steps-1].Version
}

// unfinished is for the mark of a program that did not write it in the transaction of the migration: nobody can tell by the mark whether there was an end.
func (s *Status) unfinished() error {
	last := uint(0)
	for _, m := range s.Migrations {
		if m.Version < s.Version {
			last = max(last, m.Version)
		}
	}
	back := fmt.Sprintf("UPDATE schema_migrations SET version = %d, dirty = false;", last)
	if last == 0 {
		back = "DELETE FROM schema_migrations;"
	}
	return fmt.Errorf("an older program did not see the end of migration %d. A migration is one transaction: look whether what its file makes is there, run one of these lines, then try again:\n\n"+
		"  %s -- nothing of it is there\n  UPDATE schema_migrations SET dirty = false; -- all of it is there", s.Version, back)
}

// Down takes back the given number of migrations, the newest first; 0 means all. Data in what they made is lost.
func Down(ctx context.Context, address string, steps int) (Status, error) {
	return move(ctx, address, func(m *migrate.Migrate) error { return repeat(ctx, steps, func() error { return m.Steps(-1) }) })
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
		return status.unfinished()
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
	driver, err := newDriver(db)
	if err != nil {
		return nil, err
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
		return fmt.Errorf("apply a migration, of which nothing was left: %w", failed.OrigErr)
	}
	return fmt.Errorf("apply the migrations: %w", err)
}
