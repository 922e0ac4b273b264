package schema

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"

	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"
)

// driver writes the version in the transaction of its migration: PostgreSQL takes both or neither, also when the process or the server dies. golang-migrate by
// itself marks the database as dirty before, and needs a person when the mark stays.
type driver struct {
	database.Driver
	table string
	next  int // the version that the migration under way leads to
}

func newDriver(db *sql.DB) (*driver, error) {
	config := &migratepgx.Config{}
	inner, err := migratepgx.WithInstance(db, config)
	if err != nil {
		return nil, fmt.Errorf("prepare the database for migrations: %w", err)
	}
	return &driver{Driver: inner, table: pgx.Identifier{config.SchemaName, config.MigrationsTable}.Sanitize()}, nil
}

// SetVersion is called before a migration (dirty) and after it, when all is written.
func (d *driver) SetVersion(version int, dirty bool) error {
	if dirty {
		d.next = version
	}
	return nil
}

// Run is one query of many statements, which PostgreSQL makes one transaction of.
func (d *driver) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return fmt.Errorf("read a migration: %w", err)
	}
	text = append(text, fmt.Sprintf("\n;DELETE FROM %s;", d.table)...)
	if d.next != database.NilVersion {
		text = append(text, fmt.Sprintf("INSERT INTO %s (version, dirty) VALUES (%d, false);", d.table, d.next)...)
	}
	return d.Driver.Run(bytes.NewReader(text))
}
