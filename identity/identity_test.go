package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
)

func TestADatabaseThatIsAwayIsNobodysFault(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once: nobody listens there
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = pgx.Connect(t.Context(), "postgres://nobody@"+address+"/none")
	require.Error(t, err)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(identity.Away(fmt.Errorf("find somebody: %w", err))))
	for code, want := range map[string]domain.Code{
		"57P01": domain.CodeUnavailable, "08006": domain.CodeUnavailable, "53300": domain.CodeUnavailable, "23505": domain.CodeInternal, "57014": domain.CodeInternal,
	} {
		require.Equal(t, want, domain.CodeOf(identity.Away(&pgconn.PgError{Code: code})), code)
	}
	var away *pgconn.ConnectError
	require.ErrorAs(t, err, &away)
	require.Equal(t, domain.CodeUnavailable, domain.CodeOf(identity.Away(errors.Join(away, &pgconn.PgError{Code: "28000"}))), "a database that refuses the login")
	require.Equal(t, domain.CodeInternal, domain.CodeOf(identity.Away(&pgconn.PgError{Code: "28000"})))
	refusal := domain.Errorf(domain.CodeNotFound, "none").Wrap(err)
	require.Equal(t, error(refusal), identity.Away(refusal))
	require.NoError(t, identity.Away(nil))
	over := fmt.Errorf("wait: %w", context.DeadlineExceeded)
	require.Equal(t, over, identity.Away(over))
	plain := errors.New("broken")
	require.Equal(t, plain, identity.Away(plain))
}

// TestNamesAreNoLinks: what people call themselves and their organisations comes into mails to others.
func TestNamesAreNoLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"You won 500 USD: open https://evil.example", "HTTPS://EVIL.EXAMPLE", "see www.evil.example", "WWW.evil.example", "(www.evil.example)"} {
		_, err := identity.Name(name, 1, 100)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), name)
	}
	for _, name := range []string{"Booking.com", "Dr. A. B. Smith", "Acme: a company", "AC/DC", "Awww. Cute"} {
		got, err := identity.Name(name, 1, 100)
		require.NoError(t, err)
		require.Equal(t, name, got)
	}
}
