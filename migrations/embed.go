// Package migrations has the numbered SQL pairs of the schema, applied by golang-migrate.
package migrations

import "embed"

// FS holds the *.up.sql and *.down.sql files.
//
//go:embed *.sql
var FS embed.FS
