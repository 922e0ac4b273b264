package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// tenantBegins is the migration that needs the role that queries of tenants run as.
	tenantBegins = 25
	tenantRole   = "massrouter_tenant"
	// What PostgreSQL says when a role may not be taken, made or granted, and when there is none.
	notAllowed, noRole = "42501", "22023"
)

// readyTenant makes sure that the database's user may run queries as the tenant role, which is of the whole server, and makes and grants it where the user may.
// It is tried before the first migration, and not only looked up: what a member may do differs between versions of PostgreSQL.
func readyTenant(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // what was written is committed
	// A try that fails is rolled back whole. Processes of one database come one after the other.
	const lock = `SELECT pg_advisory_xact_lock(hashtextextended('` + tenantRole + `', 0));`
	const made = lock + `DO $$ BEGIN IF to_regrole('` + tenantRole + `') IS NULL THEN CREATE ROLE ` + tenantRole + ` NOLOGIN; END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;` // another database has made it at the same moment
	const granted = made + `GRANT ` + tenantRole + ` TO CURRENT_USER;`
	for _, try := range []string{"", made, granted} {
		_, err = conn.Exec(ctx, `BEGIN;`+try+`SET LOCAL ROLE `+tenantRole+`; COMMIT`)
		if err == nil {
			return nil
		}
		if _, undone := conn.Exec(ctx, `ROLLBACK`); undone != nil {
			return fmt.Errorf("try the role %s: %w", tenantRole, errors.Join(err, undone))
		}
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || (refused.Code != notAllowed && refused.Code != noRole) {
			return fmt.Errorf("try the role %s: %w", tenantRole, err)
		}
	}
	return roleMissing(ctx, conn)
}

// roleMissing says what an administrator has to run.
func roleMissing(ctx context.Context, conn *pgx.Conn) error {
	var user string
	var there bool
	if err := conn.QueryRow(ctx, `SELECT current_user, to_regrole($1) IS NOT NULL`, tenantRole).Scan(&user, &there); err != nil {
		return fmt.Errorf("look for the role %s: %w", tenantRole, err)
	}
	first := "CREATE ROLE " + tenantRole + " NOLOGIN;"
	if there {
		first += " -- it is there already"
	}
	return fmt.Errorf("the database's user may neither make the role %s nor grant it to itself; nothing was changed. "+
		"Have an administrator of the server run this, then try again:\n\n  %s\n  GRANT %s TO %s;", tenantRole, first, tenantRole, pgx.Identifier{user}.Sanitize())
}
