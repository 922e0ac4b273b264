package sms

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/factor"
	"github.com/massrouter/massrouter/identity/phone"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/internal/smssim"
)

func TestMain(m *testing.M) {
	const names = 8
	if len(os.Args) == names && os.Args[1] == "mortal" {
		work(os.Args[2:])
	}
	os.Exit(pgtest.Main(m))
}

// mortal kills its process, without any farewell, right before the provider's call or right after it.
type mortal struct {
	Sender

	before bool
}

func (s mortal) Send(ctx context.Context, m Message) (string, error) {
	if !s.before {
		if _, err := s.Sender.Send(ctx, m); err != nil {
			panic(err) // the test sees that it was no kill
		}
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// work is the worker of a process that is about to die.
func work(args []string) {
	when, at, database, provider, account, token := args[0], args[1], args[2], args[3], args[4], args[5]
	clock, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	pool, err := pgxpool.New(context.Background(), database)
	if err != nil {
		panic(err)
	}
	o := Options{Now: func() time.Time { return clock }, Poll: time.Millisecond, OnError: func(err error) { panic(err) }}
	sender := &Twilio{Account: account, Token: token, From: from, Endpoint: provider, Text: Words("MassRouter"), Client: http.DefaultClient}
	NewWorker(pool, phone.New(pool, phone.Options{Now: o.Now}), mortal{sender, when == "before"}, o).Run(context.Background())
}

const from = "+15005550006" // the simulator's

// house is a store with workers around it, and a provider.
type house struct {
	*phone.Store
	t    *testing.T
	pool *pgxpool.Pool
	sim  *smssim.Twilio
	mu   sync.Mutex
	at   time.Time
}

func setup(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, pool: pgtest.New(t), sim: smssim.NewTwilio(t), at: now()}
	require.Equal(t, from, h.sim.From)
	h.Store = phone.New(h.pool, phone.Options{Now: h.now, Countries: []string{"49"}, Caps: phone.Caps{}})
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) step(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// ask has somebody ask for a code.
func (h *house) ask(number string, n byte) uuid.UUID {
	h.t.Helper()
	user := uuid.New()
	_, err := h.pool.Exec(h.t.Context(), `INSERT INTO identity.users (user_id, email, language, zone, created_at) VALUES ($1, $2, 'en', 'UTC', now())`, user, user.String()+"@example.com")
	require.NoError(h.t, err)
	require.NoError(h.t, h.Add(h.t.Context(), user, number, netip.AddrFrom4([4]byte{203, 0, 113, n})))
	return user
}

func (h *house) worker(outcomes chan<- string) *Worker {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	sender := &Twilio{Account: h.sim.Account, Token: h.sim.Token, From: h.sim.From, Endpoint: h.sim.URL, Text: Words("MassRouter"), Client: client}
	return NewWorker(h.pool, h.Store, sender, Options{Now: h.now, Poll: time.Millisecond, OnEnd: func(_ phone.Purpose, outcome string) { outcomes <- outcome }})
}

// run starts a worker that is stopped with the test, or before.
func (h *house) run(outcomes chan<- string) (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.worker(outcomes).Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	h.t.Cleanup(stop)
	return stop
}

// kill has a process take what is due, and die.
func (h *house) kill(when string) {
	h.t.Helper()
	child := exec.CommandContext(h.t.Context(), os.Args[0], "mortal", when, h.now().Format(time.RFC3339), h.pool.Config().ConnString(),
		h.sim.URL, h.sim.Account, h.sim.Token)
	said, err := child.CombinedOutput()
	require.Error(h.t, err)
	status, ok := child.ProcessState.Sys().(syscall.WaitStatus)
	require.True(h.t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "%s", said)
}

// message is what is known of the only message.
func (h *house) message() (attempts int, sent, failed bool) {
	h.t.Helper()
	require.NoError(h.t, h.pool.QueryRow(h.t.Context(), `SELECT attempts, sent_at IS NOT NULL, failed_at IS NOT NULL FROM identity.messages`).Scan(&attempts, &sent, &failed))
	return attempts, sent, failed
}

// TestAWorkerDies kills processes that hold a message. Nobody touches it while the lease lives; then another sends it: for the first time when the death came
// before the call, and once more when it came after. Only the newest code counts.
func TestAWorkerDies(t *testing.T) {
	t.Parallel()
	for when, arrived := range map[string]int{"before": 0, "after": 1} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			user := h.ask("+4915112345678", 1)
			h.kill(when)
			require.Len(t, h.sim.Taken(), arrived)
			attempts, sent, failed := h.message()
			require.Equal(t, []any{1, false, false}, []any{attempts, sent, failed}, "it is not known what came of it")

			outcomes := make(chan string, 10)
			h.step(lease - time.Microsecond)
			taken, err := h.worker(outcomes).take(t.Context())
			require.NoError(t, err)
			require.Empty(t, taken, "the lease lives")
			h.step(time.Microsecond)
			stop := h.run(outcomes)
			require.Equal(t, "sent", <-outcomes)
			stop()
			all := h.sim.Taken()
			require.Len(t, all, arrived+1)
			attempts, sent, failed = h.message()
			require.Equal(t, []any{2, true, false}, []any{attempts, sent, failed})
			for _, old := range all[:arrived] {
				if old.Code != all[arrived].Code {
					require.Equal(t, factor.CodeWrong, domain.CodeOf(h.Confirm(t.Context(), user, old.Code)))
				}
			}
			require.NoError(t, h.Confirm(t.Context(), user, all[arrived].Code))
		})
	}
}

// TestEveryWorkerDies: a message at which processes die is sent no more often than one that a provider refuses.
func TestEveryWorkerDies(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ask("+4915112345678", 1)
	for n := range Attempts {
		h.kill("after")
		require.Len(t, h.sim.Taken(), n+1)
		h.step(lease)
	}
	require.True(t, h.now().Before(now().Add(phone.Late)), "it is not given up for being late")
	outcomes := make(chan string, 10)
	stop := h.run(outcomes)
	require.Equal(t, "failed", <-outcomes)
	stop()
	_, sent, failed := h.message()
	require.Equal(t, []bool{false, true}, []bool{sent, failed})
	require.Equal(t, Attempts, h.sim.Calls())
}

// TestWorkersShare: while calls are under way, however slow, no other worker takes their messages; each is sent once.
func TestWorkersShare(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const messages = 3 * batch
	for n := range messages {
		h.ask("+49151123456"+string(rune('0'+n/10))+string(rune('0'+n%10)), byte(n))
	}
	answer := make(chan struct{})
	h.sim.Break(func(http.ResponseWriter, *http.Request) bool {
		<-answer
		return false
	})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release)
	outcomes := make(chan string, 2*messages)
	for range 4 {
		h.run(outcomes)
	}
	require.Eventually(t, func() bool { return h.sim.Calls() == messages }, time.Minute, time.Millisecond)
	h.step(lease - time.Microsecond)
	taken, err := h.worker(outcomes).take(t.Context())
	require.NoError(t, err)
	require.Empty(t, taken, "all are under way")
	release()
	for range messages {
		require.Equal(t, "sent", <-outcomes)
	}
	seen := map[string]int{}
	for _, m := range h.sim.Taken() {
		seen[m.To]++
	}
	require.Len(t, seen, messages)
	require.Equal(t, messages, h.sim.Calls())
}
