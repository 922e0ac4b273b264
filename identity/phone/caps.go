package phone

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

// Caps are the most messages that may be asked for. Each counts from the first message on, for its hour or its day.
type Caps struct {
	NumberHour  int64 // 5
	NumberDay   int64 // 10
	UserDay     int64 // 20
	NetworkHour int64 // 20, of an address or a /64
	CountryDay  int64 // 1000, of a calling code
}

func (c Caps) orDefault() Caps {
	for _, one := range []struct {
		at  *int64
		def int64
	}{{&c.NumberHour, 5}, {&c.NumberDay, 10}, {&c.UserDay, 20}, {&c.NetworkHour, 20}, {&c.CountryDay, 1000}} {
		if *one.at <= 0 {
			*one.at = one.def
		}
	}
	return c
}

// network is what an address counts as.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return a.String()
}

// tooMany refuses for a while. It is the same whatever the reason is.
func tooMany(wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return domain.Errorf(CodeTooMany, "no message can be sent now: wait").With("retry_after", strconv.FormatInt(max(seconds, 1), 10))
}

// count takes one of each cap, or refuses. It is part of the transaction that asks for the message: who is refused has taken none. All take them in the same
// order, the one that most others wait for last.
func (s *Store) count(ctx context.Context, tx pgx.Tx, user uuid.UUID, to Number, country string, from netip.Addr) error {
	now := domain.Moment(s.o.Now())
	caps := s.o.Caps
	for _, one := range []struct {
		name, subject string
		most          int64
		length        time.Duration
	}{
		{"user/day", user.String(), caps.UserDay, 24 * time.Hour},
		{"number/hour", string(to), caps.NumberHour, time.Hour},
		{"number/day", string(to), caps.NumberDay, 24 * time.Hour},
		{"network/hour", network(from), caps.NetworkHour, time.Hour},
		{"country/day", country, caps.CountryDay, 24 * time.Hour},
	} {
		subject := sha256.Sum256([]byte("massrouter text messages\x00" + one.name + "\x00" + one.subject))
		var used int64
		err := tx.QueryRow(ctx, `INSERT INTO identity.message_counts AS c (cap, subject, began_at, ends_at, used) VALUES ($1, $2, $3, $4, 1)
			ON CONFLICT (cap, subject) DO UPDATE SET
				began_at = CASE WHEN c.ends_at <= $3 THEN $3 ELSE c.began_at END,
				ends_at = CASE WHEN c.ends_at <= $3 THEN $4 ELSE c.ends_at END,
				used = CASE WHEN c.ends_at <= $3 THEN 1 ELSE c.used + 1 END
			WHERE c.ends_at <= $3 OR c.used < $5 RETURNING used`, one.name, subject[:], now, now.Add(one.length), one.most).Scan(&used)
		if errors.Is(err, pgx.ErrNoRows) {
			var ends time.Time
			if err := tx.QueryRow(ctx, `SELECT ends_at FROM identity.message_counts WHERE cap = $1 AND subject = $2`, one.name, subject[:]).Scan(&ends); err != nil {
				return err
			}
			return tooMany(ends.Sub(now))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
