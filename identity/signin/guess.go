package signin

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/factor"
)

// How often codes can be guessed within an hour, by whoever knows a password, before he has to wait. A new password ends the wait.
const (
	// MaxTries are the wrong codes of one challenge.
	MaxTries = 5
	// MaxGuessesOfNetwork are those of all challenges of a user that began in one network.
	MaxGuessesOfNetwork = 10
	// MaxGuesses are those of all networks that are not known.
	MaxGuesses = 30
	// Known is how long a network is known in which the user has shown all that there is: a second factor or, without one, what stands in its place.
	Known = 90 * 24 * time.Hour
)

// network is what guesses of an address count for: what one provider of networks gives to one customer, or a bit more.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 24
	switch {
	case !a.IsValid():
		a = netip.IPv4Unspecified()
	case a.Is6():
		bits = 48
	}
	return netip.PrefixFrom(a, bits).Masked()
}

// try counts a try before it is looked at, so that whoever tries many at once has as few as any other. Tries of a user are counted one after the other. One that is
// refused here is not counted: it would keep the owner waiting for nothing.
func (m *Machine) try(ctx context.Context, secret string, method factor.Method) (state, error) {
	s, _, err := m.find(ctx, secret)
	if err != nil {
		return s, err
	}
	auditlog.Suspect(ctx, s.user)
	var refused bool
	err = pgx.BeginFunc(ctx, m.pool, func(tx pgx.Tx) error {
		if err := hold(ctx, tx, s.user, s.credentials, over); err != nil {
			return err
		}
		guesses := 0
		if guessable(method) {
			left, err := m.left(ctx, tx, &s)
			if err == nil && left <= 1 {
				err = m.warn(ctx, tx, &s)
			}
			if refused = left <= 0; err != nil || refused {
				return err
			}
			guesses = 1
		}
		tag, err := tx.Exec(ctx, `UPDATE identity.challenges SET tries = tries + 1, guesses = guesses + $2 WHERE challenge_id = $1 AND ended_at IS NULL AND tries < $3`,
			s.id, guesses, MaxTries)
		if err == nil && tag.RowsAffected() == 0 {
			err = over()
		}
		return err
	})
	if err == nil && refused {
		err = tooMany(method)
	}
	return s, identity.Wrap("count a try", err)
}

func tooMany(m factor.Method) error {
	text := "too many wrong codes: try again in an hour, or show a recovery code or a passkey; a new password ends the wait"
	if m == factor.Password {
		text = "too many wrong passwords: try again in an hour, or sign in anew; a new password ends the wait"
	}
	return domain.Errorf(CodeTooMany, "%s", text).With("retry_after", strconv.Itoa(int(time.Hour/time.Second)))
}

// guessable says whether a method can be guessed at all: a recovery code has 80 bits, and a passkey is a signature.
func guessable(m factor.Method) bool { return m != factor.Recovery && m != factor.Passkey }

// left says how many guesses there are in the network in which a challenge began. Those with a password of before count no more, nor do those of challenges that ended
// well.
func (m *Machine) left(ctx context.Context, tx pgx.Tx, s *state) (int, error) {
	now := domain.Moment(m.now())
	var known bool
	var here, strange int
	err := tx.QueryRow(ctx, `WITH known AS (SELECT network FROM identity.factor_networks WHERE user_id = $1 AND used_at > $5)
		SELECT EXISTS (SELECT FROM known WHERE network = $2), coalesce(sum(guesses) FILTER (WHERE network = $2), 0),
			coalesce(sum(guesses) FILTER (WHERE network NOT IN (SELECT network FROM known)), 0)
		FROM identity.challenges WHERE user_id = $1 AND credentials = $3 AND created_at > $4 AND ended_at IS NULL`,
		s.user, s.network, s.credentials, now.Add(-time.Hour), now.Add(-Known)).Scan(&known, &here, &strange)
	if err != nil {
		return 0, identity.Wrap("count guesses", err)
	}
	if known {
		return MaxGuessesOfNetwork - here, nil
	}
	return min(MaxGuessesOfNetwork-here, MaxGuesses-strange), nil
}

// warn tells somebody, once a day and password, that codes are being guessed.
func (m *Machine) warn(ctx context.Context, tx pgx.Tx, s *state) error {
	now := m.now()
	id := domain.DeriveID(s.user, "codes guessed\x00"+now.UTC().Format(time.DateOnly)+"\x00"+strconv.FormatInt(s.credentials, 10))
	return account.Tell(ctx, tx, id, s.user, account.CodesGuessed, nil, now)
}

// remember notes, in the caller's transaction, that somebody has shown in a network all that there is. See factor.Gained.
func (m *Machine) remember(ctx context.Context, tx pgx.Tx, user uuid.UUID, in netip.Prefix) error {
	_, err := tx.Exec(ctx, `INSERT INTO identity.factor_networks (user_id, network, used_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id, network) DO UPDATE SET used_at = EXCLUDED.used_at`, user, in, domain.Moment(m.now()))
	return identity.Wrap("note a network", err)
}

// Prune forgets challenges and networks that are over, a batch at a time, and says how many.
func (m *Machine) Prune(ctx context.Context) (int64, error) {
	now := m.now()
	old, err := m.pool.Exec(ctx, `DELETE FROM identity.challenges WHERE challenge_id IN (SELECT challenge_id FROM identity.challenges WHERE expires_at < $1 LIMIT 1000)`, now.Add(-2*time.Hour))
	if err != nil {
		return 0, identity.Wrap("forget old challenges", err)
	}
	unused, err := m.pool.Exec(ctx, `DELETE FROM identity.factor_networks WHERE (user_id, network) IN (SELECT user_id, network FROM identity.factor_networks WHERE used_at < $1 LIMIT 1000)
		AND used_at < $1`, now.Add(-Known))
	if err != nil {
		return old.RowsAffected(), identity.Wrap("forget old networks", err)
	}
	return old.RowsAffected() + unused.RowsAffected(), nil
}
