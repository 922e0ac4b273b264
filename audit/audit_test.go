package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCleanLogHasNoFindings(t *testing.T) {
	t.Parallel()
	events, story := tell(t)
	report := verify(t, events, audit.Options{})
	require.Empty(t, report.Findings)
	require.Zero(t, report.FindingCount)
	require.EqualValues(t, len(events), report.Events)
	require.EqualValues(t, len(events), report.Position)
	whole, _ := corrected(t)
	types := verify(t, whole.events, audit.Options{}).Types
	for _, spec := range registry(t).Specs() {
		require.Positive(t, types[spec.Type], "the story has no %s", spec.Type)
	}
	require.Equal(t, map[string]int64{"apikey": 6, "app": 2, "endpoint": 3, "model": 3, "vendor": 1, "wallet": 5}, report.Streams)
	require.Equal(t, []audit.Sum{{Currency: "USD", Amount: "0"}}, report.TrialBalance)
	require.EqualValues(t, 1, report.OpenHolds)
	require.Len(t, report.Balances, 5)
	for _, b := range report.Balances {
		if b.ID == story.Poor.Wallet {
			require.True(t, b.Posted.IsZero(), "%s", b.Posted)
		}
		require.Equal(t, money.USD, b.Currency)
	}
}

func TestEmptyLog(t *testing.T) {
	t.Parallel()
	report := verify(t, nil, audit.Options{})
	require.Zero(t, report.Events)
	require.Empty(t, report.Findings)
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", report.Root)
}

// TestLeafHashIsThatOfTheStore holds the auditor's own encoding against the ledger's.
func TestLeafHashIsThatOfTheStore(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	for i := range events {
		require.Equal(t, eventstore.Leaf(&events[i]), audit.LeafHash(&events[i]))
	}
	odd := eventstore.Event{Shard: 3, StreamVersion: 1 << 40, StreamID: "a", Actor: strings.Repeat("ä", 300)}
	require.Equal(t, eventstore.Leaf(&odd), audit.LeafHash(&odd), "a time before 1970")
}

// TestRootIsThatOfTheTransparencyLog holds the auditor's Merkle tree against golang.org/x/mod's, for every size.
func TestRootIsThatOfTheTransparencyLog(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = hashes[index]
		}
		return out, nil
	})
	for i := range events {
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(events[i].LeafHash), reader)
		require.NoError(t, err)
		hashes = append(hashes, more...)
		want, err := tlog.TreeHash(int64(i+1), reader)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%x", want[:]), verify(t, events[:i+1], audit.Options{}).Root)
	}
}

func TestFindingsAreBoundedAndAllCounted(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	for i := range events {
		events[i].Salt[0] ^= 1
	}
	report := verify(t, events, audit.Options{Findings: audit.NewFindings(3), Workers: 4})
	require.EqualValues(t, len(events), report.FindingCount)
	require.Equal(t, map[audit.Code]int64{audit.LeafMismatch: int64(len(events))}, report.FindingCodes)
	require.Len(t, report.Findings, 3)
	for i, found := range report.Findings {
		require.EqualValues(t, i+1, found.Position, "in the log's order")
	}
}

// TestUnreadableEventIsReportedOnce: what comes after an event that cannot be read is believed again.
func TestUnreadableEventIsReportedOnce(t *testing.T) {
	t.Parallel()
	f := forge(t)
	i := f.nth("wallet.granted.v1", 0)
	f.events[i].Body = []byte("{")
	f.seal(i)
	f.expect(i, audit.EventUndecodable)
	f.check()
}

func TestObserversSeeEveryEventInOrder(t *testing.T) {
	t.Parallel()
	events, story := tell(t)
	position := int64(0)
	verify(t, events, audit.Options{Observers: []audit.Observer{watcher(func(s *audit.Step) error {
		position++
		require.Equal(t, position, s.Row.Position)
		require.Equal(t, position, s.State.Position)
		require.NotNil(t, s.Data)
		require.Equal(t, s.Row.StreamID.Kind() == "wallet", s.Wallet != nil)
		return nil
	})}})
	require.EqualValues(t, len(events), position)

	stop := errors.New("enough")
	_, err := audit.Verify(t.Context(), cut(events, 1), audit.Options{
		Registry: registry(t), Observers: []audit.Observer{watcher(func(s *audit.Step) error {
			if s.Hold != nil && s.Hold.ID == story.Running {
				return stop
			}
			return nil
		})},
	})
	require.ErrorIs(t, err, stop)
}

// TestBatchesAreGivenBack: each once, in order, and nothing of it is needed any more.
func TestBatchesAreGivenBack(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	want := verify(t, events, audit.Options{})
	owned := make([]eventstore.Event, len(events))
	for i, e := range events {
		e.Body = slices.Clone(e.Body)
		owned[i] = e
	}
	back := int64(0)
	got := verify(t, owned, audit.Options{Done: func(batch []eventstore.Event) {
		for i := range batch {
			back++
			require.Equal(t, back, batch[i].Position)
			for k := range batch[i].Body {
				batch[i].Body[k] = 'x'
			}
			batch[i] = eventstore.Event{}
		}
	}})
	require.EqualValues(t, len(events), back)
	require.Equal(t, want, got)
}

func TestErrorOfTheLogEndsTheRun(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	broken := errors.New("broken")
	log := func(yield func([]eventstore.Event, error) bool) {
		for i := range events[:10] {
			if !yield(events[i:i+1], nil) {
				return
			}
		}
		yield(nil, broken)
	}
	_, err := audit.Verify(t.Context(), log, audit.Options{Registry: registry(t)})
	require.ErrorIs(t, err, broken)
}

func TestContextEndsTheRun(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func([]eventstore.Event, error) bool) {
		for yield(events, nil) {
		}
	}
	cancel()
	_, err := audit.Verify(ctx, endless, audit.Options{Registry: registry(t)})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNoDatabaseIsNeeded(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	deps := string(out)
	require.Contains(t, deps, "github.com/shopspring/decimal")
	for _, refused := range []string{"jackc/pgx", "database/sql\n", "go-redis", "massrouter/commands", "massrouter/projections", "net/http\n"} {
		require.NotContains(t, deps, refused)
	}
}

// TestRegistryIsTheOnlyWayToDecode: an auditor without the types of an aggregate says so for each of its events.
func TestRegistryIsTheOnlyWayToDecode(t *testing.T) {
	t.Parallel()
	events, _ := tell(t)
	none, err := domain.NewRegistry()
	require.NoError(t, err)
	report, err := audit.Verify(t.Context(), cut(events, 100), audit.Options{Registry: none})
	require.NoError(t, err)
	require.Equal(t, map[audit.Code]int64{audit.EventUndecodable: int64(len(events))}, report.FindingCodes)
}
