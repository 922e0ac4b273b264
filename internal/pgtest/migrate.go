package pgtest

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/massrouter/massrouter/migrations"
)

// migrateUp applies all migrations to a database and leaves no connection behind: a database with
// connections cannot be copied.
func migrateUp(address string) (err error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return fmt.Errorf("open the template: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	source, err := iofs.New(migrations.FS, ".")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		return fmt.Errorf("prepare the template: %w", err)
	}
	m, err := migrate.NewWithInstance("migrations", source, "pgx5", driver)
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("apply the migrations to the template: %w", err)
	}
	sourceErr, driverErr := m.Close()
	return errors.Join(sourceErr, driverErr)
}
