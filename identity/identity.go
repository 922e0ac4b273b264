// Package identity is what its rooms have in common: how names are read, and how errors of the database are told from those that callers cause.
package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/massrouter/massrouter/domain"
)

// Querier is the pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Wrap says what failed, but leaves a *domain.Error, which is for the caller, as it is; nil stays nil. What refers to somebody who was erased meanwhile is
// unauthenticated.
func Wrap(what string, err error) error {
	var e *domain.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == "23503" && said.TableName != "platform_grants" && // foreign_key_violation; a grant is somebody else's doing
		(strings.HasSuffix(said.ConstraintName, "_user_id_fkey") || strings.HasSuffix(said.ConstraintName, "_personal_of_fkey")) {
		return Gone().Wrap(err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Gone is of requests of somebody whose account has ended meanwhile.
func Gone() *domain.Error {
	return domain.Errorf(domain.CodeUnauthenticated, "sign in again")
}

// Hold locks the row of a live user, before any other row of his: who erases him does so, too, so that neither waits for what the other has. What is locked of
// organisations is locked before. Errors: unauthenticated.
func Hold(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT true FROM identity.users WHERE user_id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`, user).Scan(&there)
	if errors.Is(err, pgx.ErrNoRows) {
		return Gone()
	}
	return Wrap("hold a user", err)
}

// Away tells errors of a database that cannot be reached, or that is stopping, from others: they become ledger_unavailable. A *domain.Error stays as it is, and so
// does nil.
func Away(err error) error {
	var known *domain.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	var said *pgconn.PgError
	away := errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
	if errors.As(err, &said) {
		away = away || slices.ContainsFunc([]string{"08", "53", "57P"}, func(class string) bool { return strings.HasPrefix(said.Code, class) })
	}
	if !away || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return domain.Errorf(domain.CodeUnavailable, "this cannot be done at the moment; try again").Wrap(err)
}

// linked is what begins an address of the web.
var linked = regexp.MustCompile(`(?i)://|\bwww\.`)

// Name reads what somebody calls himself or something: at least and at most so many characters, all of which can be seen, with single spaces
// between its words, and without addresses of the web: names are in mails to others. Errors: invalid_request, "name".
func Name(text string, least, most int) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	hidden := func(c rune) bool { return !unicode.IsGraphic(c) || unicode.Is(unicode.Cf, c) }
	if n := utf8.RuneCountInString(text); !utf8.ValidString(text) || n < least || n > most || strings.ContainsFunc(text, hidden) {
		return "", domain.Errorf(domain.CodeInvalid, "a name has %d to %d visible characters", least, most).With("param", "name")
	}
	if linked.MatchString(text) {
		return "", domain.Errorf(domain.CodeInvalid, "a name has no addresses of the web in it").With("param", "name")
	}
	return text, nil
}
