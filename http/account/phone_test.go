package account_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/identity/signin"
	"github.com/massrouter/massrouter/internal/smssim"
	"github.com/massrouter/massrouter/reactors/sms"
)

const chinese, german = "+8613800138000", "+4915123456789"

// carrier is a provider, and by whom it is asked.
type carrier struct {
	*smssim.Provider
	by       sms.Sender
	never    string // how it refuses a message for good
	worldly  string // how it writes the Chinese number
	nonsense string
}

func carriers(t *testing.T) map[string]carrier {
	t.Helper()
	client := &http.Client{Timeout: 2 * time.Second}
	a, c, w := smssim.NewAliyun(t), smssim.NewTencent(t), smssim.NewTwilio(t)
	return map[string]carrier{
		"aliyun": {&a.Provider, &sms.Aliyun{
			Endpoint: a.URL, AccessKey: a.Key, Secret: a.Secret, SignName: a.Sign, Template: map[string]string{"en": "SMS_2", "zh-CN": "SMS_1"}, Client: client, Now: time.Now,
		}, "isv.MOBILE_NUMBER_ILLEGAL", chinese[3:], `{"Code":`},
		"tencent": {&c.Provider, &sms.Tencent{
			Endpoint: c.URL, SecretID: c.ID, Secret: c.Secret, Region: c.Region, AppID: c.App, SignName: c.Sign, Template: map[string]string{"en": "1002", "zh-CN": "1001"},
			Client: client, Now: time.Now,
		}, "InvalidParameterValue.IncorrectPhoneNumber", chinese, `{"Response":{}}`},
		"twilio": {&w.Provider, &sms.Twilio{
			Endpoint: w.URL, Account: w.Account, Token: w.Token, From: w.From, Text: sms.Words("MassRouter"), Client: client,
		}, "21211", chinese, `[]`},
	}
}

// sends works messages off by a provider.
func (b *bundle) sends(by sms.Sender) {
	b.t.Helper()
	worker := sms.NewWorker(b.pool, b.phones, by, sms.Options{Now: b.now, Poll: tick})
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(ctx)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// nth waits for the nth message and is its code.
func (c carrier) nth(t *testing.T, n int) string {
	t.Helper()
	require.Eventually(t, func() bool { return len(c.Taken()) >= n }, patience, tick)
	return c.Taken()[n-1].Code
}

// other is a code that is not this one.
func other(code string) string {
	return strings.Map(func(r rune) rune { return '0' + (r-'0'+5)%10 }, code)
}

// settled waits until the newest message has ended, and says how.
func (b *bundle) settled(column string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		var is bool
		err := b.pool.QueryRow(b.t.Context(), `SELECT `+column+` IS NOT NULL FROM identity.messages ORDER BY created_at DESC LIMIT 1`).Scan(&is)
		return err == nil && is
	}, patience, tick)
}

// challenged signs in as far as the second factor.
func (b *bundle) challenged(methods string) *agent {
	b.t.Helper()
	a := b.browser()
	got := a.post(authPath+"sign-in", words(email, secret)).is(200)
	require.JSONEq(b.t, methods, string(got.part("challenge", "methods")))
	return a
}

func (a answer) part(path ...string) []byte {
	a.t.Helper()
	one := a
	for _, name := range path {
		one.body = one.raw(name)
	}
	return one.body
}

// TestAPhoneByEachProvider: from the sign-up to a sign-in with a text message.
func TestAPhoneByEachProvider(t *testing.T) {
	t.Parallel()
	for name, c := range carriers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.sends(c.by)
			b.join(email)
			a := b.in(email, secret)
			a.get(mePath+"/phone").refused(404, domain.CodeNotFound)
			b.step(signin.Fresh)
			a.send("PUT", mePath+"/phone", map[string]any{"phone": chinese}).refused(403, signin.CodeStepUp)
			a = b.in(email, secret)
			a.send("PUT", mePath+"/phone", map[string]any{"phone": "+33123456789"}).refused(400, domain.CodeInvalid)
			a.send("PUT", mePath+"/phone", map[string]any{"phone": "+86 138-0013-8000"}).is(202)
			code := c.nth(t, 1)
			require.Equal(t, c.worldly, c.Taken()[0].To)
			require.Equal(t, "60", a.send("PUT", mePath+"/phone", map[string]any{"phone": german}).refused(429, phone.CodeTooMany).text("details", "retry_after")[:2])
			a.post(mePath+"/phone/confirm", map[string]any{"code": other(code)}).refused(422, factor.CodeWrong)
			b.in(email, secret) // nothing is confirmed: no second factor
			a.post(mePath+"/phone/confirm", map[string]any{"code": code}).is(200)
			a.post(mePath+"/phone/confirm", map[string]any{"code": code}).refused(422, factor.CodeWrong)
			require.Equal(t, "+86*******8000", a.get(mePath+"/phone").is(200).text("phone"))
			require.JSONEq(t, "true", string(a.get(mePath+"/factors").raw("phone")))
			b.mailed(email, "telephone number was added")

			in := b.challenged(`["sms"]`)
			in.post(authPath+"challenge", map[string]any{"method": "sms", "code": code}).refused(422, factor.CodeWrong)
			in.post(authPath+"challenge/sms", map[string]any{}).is(202)
			code = c.nth(t, 2)
			in.post(authPath+"challenge/sms", map[string]any{}).refused(429, phone.CodeTooMany)
			b.challenged(`["sms"]`).post(authPath+"challenge", map[string]any{"method": "sms", "code": code}).refused(422, factor.CodeWrong) // it is for the other one
			got := in.post(authPath+"challenge", map[string]any{"method": "sms", "code": code}).is(200)
			require.JSONEq(t, `["pwd","sms"]`, string(got.part("session", "factors")))
			in.post(authPath+"challenge", map[string]any{"method": "sms", "code": code}).refused(409, signin.CodeOver)

			// Once more before something dangerous; never at the admin front end.
			in.post(mePath+"/step-up", map[string]any{}).is(200)
			b.step(time.Minute)
			in.post(authPath+"challenge/sms", map[string]any{}).is(202)
			in.post(authPath+"challenge", map[string]any{"method": "sms", "code": c.nth(t, 3)}).is(200)
			admin := map[string]any{"email": email, "password": secret, "audience": "admin"}
			b.program("").post(authPath+"sign-in", admin).refused(403, signin.CodeFactorRequired)
			in.post(mePath+"/recovery-codes", nil).is(200)
			b.program("").post(authPath+"sign-in", admin).refused(403, signin.CodeFactorRequired)
			in.send("DELETE", mePath+"/phone", nil).is(200)
			in.send("DELETE", mePath+"/phone", nil).refused(404, domain.CodeNotFound)
			b.mailed(email, "telephone number was removed")
			b.in(email, secret)
		})
	}
}

// TestProvidersFail: what is away, answers nonsense or is slow is tried again with another code, and what is refused for good is not.
func TestProvidersFail(t *testing.T) {
	t.Parallel()
	for name, c := range carriers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.join(email)
			a := b.in(email, secret)
			faults := []func(http.ResponseWriter, *http.Request){
				func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
				func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.nonsense) },
				func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
				func(_ http.ResponseWriter, r *http.Request) { // until the client has enough, which shows once its body was read
					_, _ = io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
				},
			}
			turn := make(chan func(http.ResponseWriter, *http.Request), len(faults))
			for _, f := range faults {
				turn <- f
			}
			c.Break(func(w http.ResponseWriter, r *http.Request) bool {
				select {
				case f := <-turn:
					f(w, r)
					return true
				default:
					return false
				}
			})
			b.sends(c.by)
			a.send("PUT", mePath+"/phone", map[string]any{"phone": german}).is(202)
			for n := range faults {
				require.Eventually(t, func() bool {
					var attempts int
					var waits bool
					err := b.pool.QueryRow(t.Context(), `SELECT attempts, error <> '' FROM identity.messages`).Scan(&attempts, &waits)
					return err == nil && attempts > n && waits
				}, patience, tick)
				require.Eventually(t, func() bool { return c.Calls() > n }, patience, tick)
				require.Eventually(t, func() bool {
					b.step(10 * time.Second) // the next attempt is due; the code lives on
					return c.Calls() > n+1 || len(c.Taken()) > 0
				}, patience, 500*time.Millisecond)
			}
			b.settled("sent_at")
			var errors string
			require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT string_agg(error, '') FROM identity.messages`).Scan(&errors))
			require.NotContains(t, errors, german[1:])
			a.post(mePath+"/phone/confirm", map[string]any{"code": c.nth(t, 1)}).is(200)

			c.Refuse(c.never)
			calls := c.Calls()
			b.step(2 * time.Minute)
			a = b.challenged(`["sms"]`)
			a.post(authPath+"challenge/sms", map[string]any{}).is(202)
			b.settled("failed_at")
			require.Equal(t, calls+1, c.Calls())
		})
	}
}

// TestMessagesThatCameTooLate are not sent.
func TestMessagesThatCameTooLate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := carriers(t)["twilio"]
	b.join(email)
	a := b.in(email, secret)
	a.send("PUT", mePath+"/phone", map[string]any{"phone": german}).is(202)
	b.step(phone.Late)
	b.sends(c.by)
	b.settled("failed_at")
	require.Zero(t, c.Calls())
}

// TestNoNumberIsLeft: the export has the number; after the erasure no table has, nor a hash of a code.
func TestNoNumberIsLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := carriers(t)["tencent"]
	b.sends(c.by)
	b.join(email)
	a := b.in(email, secret)
	a.send("PUT", mePath+"/phone", map[string]any{"phone": chinese}).is(202)
	a.post(mePath+"/phone/confirm", map[string]any{"code": c.nth(t, 1)}).is(200)
	b.step(time.Minute)
	a.send("PUT", mePath+"/phone", map[string]any{"phone": german}).is(202) // one that is open
	c.nth(t, 2)
	got := a.get(mePath + "/export").is(200)
	require.Equal(t, chinese, got.text("tables", "phones", 0, "number"))
	require.Contains(t, string(got.body), german)
	require.NotContains(t, string(got.body), "code_hash")

	require.NotEmpty(t, b.tablesWith(chinese), "the search finds what is there")
	require.Equal(t, []string{"identity.messages", "identity.phones"}, b.tablesWith(chinese))
	a.send("DELETE", mePath, map[string]any{"email": email}).is(200)
	for _, number := range []string{chinese, german, chinese[3:], german[3:]} {
		require.Empty(t, b.tablesWith(number))
	}
}

// tablesWith are the tables that have a text in any column of any row.
func (b *bundle) tablesWith(text string) (found []string) {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`)
	require.NoError(b.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(b.t, err)
	for _, table := range tables {
		var is bool
		require.NoError(b.t, b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM `+table+` t WHERE strpos(t::text, $1) > 0)`, text).Scan(&is))
		if is {
			found = append(found, table)
		}
	}
	return found
}
