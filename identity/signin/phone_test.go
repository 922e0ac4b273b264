package signin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/identity/token"
)

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

// TestWhereATextMessageCounts: never at the admin front end, nor recovery codes that stand for nothing else there; and whoever has a role on the platform is not
// asked for one where there is an authenticator app.
func TestWhereATextMessageCounts(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		has    string // beside the telephone
		grant  string // "", live, ended, over
		portal string
		admin  string // "" for none that counts
	}{
		{"", "", "sms", ""},
		{"", "live", "sms", ""},
		{"recovery", "", "recovery sms", ""},
		{"app", "", "otp recovery sms", "otp recovery"},
		{"app", "live", "otp recovery", "otp recovery"},
		{"app", "ended", "otp recovery sms", "otp recovery"},
		{"app", "over", "otp recovery sms", "otp recovery"},
	} {
		t.Run(strings.Trim(one.has+" "+one.grant, " "), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			phones := phone.New(b.pool, phone.Options{Now: b.now, Countries: []string{"86"}})
			m := signin.New(b.pool, signin.Parts{
				Accounts: b.accounts, Factors: b.factors, Passkeys: b.passkeys, Sessions: b.sessions, Phones: phones, Issuer: b.issuer,
			}, b.now)
			b.exec(`INSERT INTO identity.phones (user_id, number, verified_at) VALUES ($1, '+8613800138000', $2)`, b.user, b.now())
			switch one.has {
			case "app":
				b.app()
			case "recovery":
				_, err := b.factors.RenewRecovery(t.Context(), b.user)
				require.NoError(t, err)
			}
			if one.grant != "" {
				b.exec(`INSERT INTO identity.platform_grants (grant_id, user_id, role, reason, granted_by, created_at, expires_at) VALUES ($1, $2, 'support', 'r', 'operator:token', $3, $4)`,
					uuid.New(), b.user, b.now().Add(-time.Hour), b.now().Add(map[bool]time.Duration{true: -time.Minute, false: time.Hour}[one.grant == "over"]))
			}
			if one.grant == "ended" {
				b.exec(`UPDATE identity.platform_grants SET ended_at = $1, ended_by = 'operator:token'`, b.now())
			}
			asked := func(audience token.Audience) []factor.Method {
				r, err := m.Password(t.Context(), audience, email, secret, laptop)
				if audience == token.Admin && one.admin == "" {
					require.Equal(t, signin.CodeFactorRequired, domain.CodeOf(err))
					return nil
				}
				require.NoError(t, err)
				err = m.AskSMS(t.Context(), r.Challenge.Secret, laptop)
				if r.Challenge.Has(factor.SMS) {
					require.NoError(t, err)
				} else {
					require.Equal(t, domain.CodeNotFound, domain.CodeOf(err))
					_, err := m.Answer(t.Context(), r.Challenge.Secret, factor.SMS, "123456", laptop)
					require.Equal(t, factor.CodeWrong, domain.CodeOf(err))
				}
				return r.Challenge.Methods
			}
			require.ElementsMatch(t, methodsOf(one.portal), asked(token.Portal))
			require.ElementsMatch(t, methodsOf(one.admin), asked(token.Admin))
		})
	}
}

func methodsOf(names string) (all []factor.Method) {
	for _, name := range strings.Fields(names) {
		all = append(all, factor.Method(name))
	}
	return all
}
