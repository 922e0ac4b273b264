package export_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/export"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func registry(tb testing.TB) *domain.Registry {
	tb.Helper()
	r, err := commands.Registry()
	require.NoError(tb, err)
	return r
}

func story(t *testing.T) (log *memory.Store, events []eventstore.Event) {
	t.Helper()
	clock := ledgertest.NewClock()
	log = memory.New(memory.Options{Clock: clock.Now})
	ledgertest.New(t, log, clock).Tell(t.Context())
	events, err := log.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	return log, events
}

func options(t *testing.T, format export.Format, last int64) export.Options {
	t.Helper()
	return export.Options{
		Kind: export.Events, Format: format, Range: export.Range{First: 1, Last: last}, Dir: filepath.Join(t.TempDir(), "out"),
		Registry: registry(t), PartEvents: 30,
	}
}

// content is all files of a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		files[entry.Name()] = string(b)
	}
	return files
}

// TestInterruptedAnywhere stops the export at each of its steps, as a kill and as a full disk would, and continues: the
// outcome is the same to the byte as that of an export that nobody interrupted, and there was no manifest before.
func TestInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	for _, format := range []export.Format{export.NDJSON, export.CSV, export.Parquet} {
		for _, kill := range []bool{true, false} {
			t.Run(string(format)+map[bool]string{true: " killed", false: " full"}[kill], func(t *testing.T) {
				t.Parallel()
				o := options(t, format, int64(len(events)))
				_, err := export.Run(t.Context(), log, o)
				require.NoError(t, err)
				want := content(t, o.Dir)
				parent := t.TempDir()
				for at := 1; ; at++ {
					o.Dir = filepath.Join(parent, "out"+strings.Repeat("i", at))
					require.NoError(t, os.Mkdir(o.Dir, 0o700))
					faulty := &export.Faulty{At: at, Kill: kill, Err: syscall.ENOSPC}
					_, err := export.RunFaulty(t.Context(), log, o, faulty)
					if faulty.Steps() < at {
						require.NoError(t, err)
						require.Greater(t, at, 20)
						return
					}
					require.ErrorIs(t, err, syscall.ENOSPC)
					half := content(t, o.Dir)
					for name, got := range half {
						switch {
						case name == export.ManifestName || strings.HasPrefix(name, "events-"):
							require.Equal(t, want[name], got, "what has its name is whole")
						case strings.HasSuffix(name, ".partial"):
							require.True(t, kill, "%s is left after step %d", name, at)
						}
					}
					_, err = export.Run(t.Context(), log, o)
					require.NoError(t, err, "after step %d", at)
					require.Equal(t, want, content(t, o.Dir), "after step %d", at)
				}
			})
		}
	}
}

// TestWhatIsWholeIsNotWrittenAgain: a continued export reads nothing of the log that it has.
func TestWhatIsWholeIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events)))
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(done, _ int64) {
		if done >= 60 {
			cancel()
		}
	}
	_, err := export.Run(ctx, &recorder{Reader: log, most: 20}, o)
	require.ErrorIs(t, err, context.Canceled)
	o.Progress = nil
	again := &recorder{Reader: log, most: 20}
	_, err = export.Run(t.Context(), again, o)
	require.NoError(t, err)
	require.GreaterOrEqual(t, again.first, int64(60))
	again.first = 0
	m, err := export.Run(t.Context(), again, o)
	require.NoError(t, err)
	require.EqualValues(t, len(events), m.Events)
	require.Zero(t, again.first, "it is finished")
}

// recorder is a log that counts what was read, and hands over few events at a time.
type recorder struct {
	eventstore.Reader
	most  int
	first int64
	read  atomic.Int64
}

func (r *recorder) Read(ctx context.Context, after int64, limit int) ([]eventstore.Event, error) {
	if r.first == 0 {
		r.first = after
	}
	events, err := r.Reader.Read(ctx, after, min(limit, r.most))
	r.read.Add(int64(len(events)))
	return events, err
}

// endless is a log of which each event is made when it is read.
type endless struct {
	eventstore.Reader
	made eventstore.Event
	read atomic.Int64
}

func (e *endless) Read(_ context.Context, after int64, limit int) ([]eventstore.Event, error) {
	events := make([]eventstore.Event, limit)
	for i := range events {
		events[i] = e.made
		events[i].Position = after + int64(i) + 1
	}
	e.read.Add(int64(limit))
	return events, nil
}

// TestMemoryIsBounded: whatever the length of the range, only some batches are between the log and the disk.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	_, events := story(t)
	for _, format := range []export.Format{export.NDJSON, export.CSV, export.Parquet} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			log := &endless{made: events[len(events)-1]}
			o := options(t, format, 60_000)
			o.PartEvents, o.PartBytes, o.Workers = 0, 10<<20, 2
			most := int64(0)
			o.Progress = func(done, _ int64) { most = max(most, log.read.Load()-done) }
			m, err := export.Run(t.Context(), log, o)
			require.NoError(t, err)
			require.LessOrEqual(t, most, int64(2000*8), "events that were read and not written")
			require.Greater(t, len(m.Files), 2, "a part ends when its bodies are large enough")
			for _, f := range m.Files[:len(m.Files)-1] {
				require.InDelta(t, float64(10<<20), float64(f.Rows)*float64(len(log.made.Body)), float64(len(log.made.Body)))
			}
		})
	}
}

func TestFoldersThatAreNotOurs(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	refused := func(o export.Options, want string) {
		t.Helper()
		_, err := export.Run(t.Context(), log, o)
		var coded *domain.Error
		require.ErrorAs(t, err, &coded)
		require.Equal(t, domain.CodeInvalid, coded.Code)
		require.ErrorContains(t, err, want)
	}
	o := options(t, export.CSV, int64(len(events)))
	require.NoError(t, os.MkdirAll(o.Dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(o.Dir, "thesis.txt"), []byte("x"), 0o600))
	refused(o, "thesis.txt is in it")
	require.Equal(t, map[string]string{"thesis.txt": "x"}, content(t, o.Dir))

	o = options(t, export.CSV, int64(len(events)))
	_, err := export.Run(t.Context(), log, o)
	require.NoError(t, err)
	before := content(t, o.Dir)
	other := o
	other.Range.Last--
	refused(other, "another export")
	other = o
	other.Format = export.NDJSON
	refused(other, "another export")
	other.Format, other.Kind = export.NDJSON, export.Journal
	refused(other, "no export of")
	other = o
	other.Range.Last, other.Range.OpenEnd = other.Range.Last+1, true
	_, err = export.Run(t.Context(), log, other)
	require.NoError(t, err, "an end that was not given is where the log ended then")
	require.Equal(t, before, content(t, o.Dir))
}

func TestChangedPartIsNotContinued(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events)))
	require.NoError(t, os.MkdirAll(o.Dir, 0o700))
	_, err := export.RunFaulty(t.Context(), log, o, &export.Faulty{At: 25, Kill: true, Err: syscall.EIO})
	require.ErrorIs(t, err, syscall.EIO)
	name := filepath.Join(o.Dir, "events-000000000001.ndjson")
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	b[10] ^= 1
	require.NoError(t, os.WriteFile(name, b, 0o600))
	_, err = export.Run(t.Context(), log, o)
	require.ErrorContains(t, err, "events-000000000001.ndjson is not as it was written")
}

// TestTwoAtOnce: the second does not touch the folder of the first.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events)))
	second := error(nil)
	o.Progress = func(int64, int64) {
		if second == nil {
			_, second = export.Run(t.Context(), log, o)
		}
	}
	_, err := export.Run(t.Context(), log, o)
	require.NoError(t, err)
	require.ErrorContains(t, second, "another export writes there")
}

func TestTargetThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events)))
	require.NoError(t, os.WriteFile(o.Dir, nil, 0o600))
	_, err := export.Run(t.Context(), log, o)
	require.ErrorIs(t, err, syscall.ENOTDIR)
}

// TestDamagedLogs: what cannot be exported whole gets no manifest.
func TestDamagedLogs(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events))+1)
	_, err := export.Run(t.Context(), log, o)
	require.ErrorIs(t, err, eventstore.ErrGap)
	require.NotContains(t, content(t, o.Dir), export.ManifestName)

	unknown := &endless{made: events[0]}
	unknown.made.Type = "wallet.stolen.v1"
	o = options(t, export.NDJSON, 9)
	_, err = export.Run(t.Context(), unknown, o)
	require.ErrorContains(t, err, `position 1: unknown event type "wallet.stolen.v1"`)
}

// TestUnbalancedLedgerIsExportedAndSaid: the files are the evidence.
func TestUnbalancedLedgerIsExportedAndSaid(t *testing.T) {
	t.Parallel()
	_, events := story(t)
	at := 0
	for events[at].Type != "wallet.topped_up.v1" {
		at++
	}
	log := &endless{made: events[at]}
	log.made.Body = []byte(strings.Replace(string(events[at].Body), `"amount":"-`, `"amount":"-1`, 1))
	require.NotEqual(t, events[at].Body, log.made.Body)
	o := options(t, export.NDJSON, 1)
	m, err := export.Run(t.Context(), log, o)
	require.ErrorIs(t, err, export.ErrUnbalanced)
	require.NotEqual(t, "0", m.Totals[0].Amount)
	require.Contains(t, content(t, o.Dir), export.ManifestName)
}

func TestRanges(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	now := events[len(events)-1].RecordedAt.Add(time.Hour)
	last := int64(len(events))
	day := events[0].RecordedAt.Truncate(24 * time.Hour).Add(24 * time.Hour)
	middle := int64(0)
	for middle < last && events[middle].RecordedAt.Before(day) {
		middle++
	}
	require.Positive(t, middle)
	require.Less(t, middle, last)
	exact := events[40].RecordedAt.Format(time.RFC3339Nano)
	before := int64(0)
	for events[before].RecordedAt.Before(events[40].RecordedAt) {
		before++
	}
	for name, c := range map[string]struct {
		from, to    string
		first, last int64
		err         string
	}{
		"all":              {"", "", 1, last, ""},
		"positions":        {"3", "9", 3, 9, ""},
		"to a date":        {"", day.Format(time.DateOnly), 1, middle, ""},
		"from a date":      {day.Format(time.DateOnly), "", middle + 1, last, ""},
		"from a moment":    {exact, "", before + 1, last, ""},
		"to a moment":      {"1", exact, 1, before, ""},
		"nothing happened": {"2026-01-01", "2026-02-01", 1, 0, ""},
		"mixed":            {day.Format(time.RFC3339), digitsOf(last), middle + 1, last, ""},
		"beyond":           {"", digitsOf(last + 1), 0, 0, "the log ends at position"},
		"future":           {"", "2099-01-01", 0, 0, "has not come yet"},
		"backwards":        {"9", "3", 0, 0, "before it begins"},
	} {
		from, err := export.ParseBound(c.from)
		require.NoError(t, err, name)
		to, err := export.ParseBound(c.to)
		require.NoError(t, err, name)
		r, err := export.Resolve(t.Context(), log, from, to, now)
		if c.err != "" {
			require.ErrorContains(t, err, c.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, [2]int64{c.first, c.last}, [2]int64{r.First, r.Last}, name)
		require.Equal(t, c.to == "", r.OpenEnd, name)
	}
	for _, bad := range []string{"0", "-1", "yesterday", "99999999999999999999", "2026-13-01", "2026-03-01T00:00:00"} {
		_, err := export.ParseBound(bad)
		require.Error(t, err, bad)
	}
}

func digitsOf(n int64) string { return big.NewInt(n).String() }

// leg is what the journal says of one.
type leg struct {
	Position int64    `parquet:"position"`
	Leg      int32    `parquet:"leg"`
	Type     string   `parquet:"type"`
	Wallet   string   `parquet:"wallet"`
	Gen      string   `parquet:"generation"`
	Account  string   `parquet:"account"`
	Currency string   `parquet:"currency"`
	Amount   [13]byte `parquet:"amount,decimal(12:30)"`
}

// TestJournal compares both forms with the entries of the events.
func TestJournal(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.CSV, int64(len(events)))
	o.Kind, o.PartEvents = export.Journal, 0
	m, err := export.Run(t.Context(), log, o)
	require.NoError(t, err)
	require.Greater(t, m.Rows, m.Events)
	records, err := csv.NewReader(strings.NewReader(content(t, o.Dir)["journal-000000000001.csv"])).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "position,leg,recorded_at,type,wallet,generation,account,currency,amount,event_id", strings.Join(records[0], ","))
	records = records[1:]
	require.Len(t, records, int(m.Rows))

	o = options(t, export.Parquet, int64(len(events)))
	o.Kind, o.PartEvents = export.Journal, 0
	_, err = export.Run(t.Context(), log, o)
	require.NoError(t, err)
	rows, err := parquet.ReadFile[leg](filepath.Join(o.Dir, "journal-000000000001.parquet"))
	require.NoError(t, err)
	require.Len(t, rows, len(records))

	n := 0
	for i := range events {
		data, err := registry(t).Decode(events[i].Type, events[i].Body)
		require.NoError(t, err)
		posting, ok := data.(wallet.Posting)
		if !ok {
			continue
		}
		currency, entry := posting.Posting()
		for k, want := range entry {
			record, row := records[n], rows[n]
			require.Equal(t, []string{
				digitsOf(events[i].Position), digitsOf(int64(k + 1)), events[i].RecordedAt.Format("2006-01-02T15:04:05.000000Z"), events[i].Type,
				events[i].StreamID.Identity(),
			}, record[:5])
			require.Equal(t, []string{string(want.Account), string(currency), want.Amount.String(), events[i].EventID.String()}, record[6:])
			if charged, ok := data.(wallet.UsageCharged); ok {
				require.Equal(t, domain.GenerationID(charged.HoldID), record[5])
			}
			fromParquet := []string{
				digitsOf(row.Position), digitsOf(int64(row.Leg)), record[2], row.Type, row.Wallet, row.Gen, row.Account, row.Currency,
				decimalOf(row.Amount), record[9],
			}
			require.Equal(t, record, fromParquet)
			n++
		}
	}
	require.Equal(t, len(records), n)
}

// decimalOf is a Parquet decimal of 12 places as the ledger writes amounts.
func decimalOf(b [13]byte) string {
	n := new(big.Int).SetBytes(b[:])
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 8*13))
	}
	digits := new(big.Int).Abs(n).String()
	digits = strings.Repeat("0", max(13-len(digits), 0)) + digits
	text := digits[:len(digits)-12] + "." + digits[len(digits)-12:]
	if n.Sign() < 0 {
		text = "-" + text
	}
	return money.MustParse(text).String()
}

// TestTextsAreNoFormulas: what comes from outside and begins like a formula is guarded in every CSV.
func TestTextsAreNoFormulas(t *testing.T) {
	t.Parallel()
	_, events := story(t)
	for _, actor := range []string{"=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'x"} {
		log := &endless{made: events[0]}
		log.made.Actor = actor
		o := options(t, export.CSV, 1)
		_, err := export.Run(t.Context(), log, o)
		require.NoError(t, err)
		require.Contains(t, content(t, o.Dir)["events-000000000001.csv"], `,"'`+actor+`",`)
	}
}

// TestNDJSONIsJSON: any reader of JSON gets the bytes of the body.
func TestNDJSONIsJSON(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.NDJSON, int64(len(events)))
	o.PartEvents = 0
	_, err := export.Run(t.Context(), log, o)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(content(t, o.Dir)["events-000000000001.ndjson"], "\n"), "\n")
	require.Len(t, lines, len(events))
	for i, line := range lines {
		var v struct {
			Position int64     `json:"position"`
			Body     string    `json:"body"`
			Recorded time.Time `json:"recorded_at"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		require.Equal(t, events[i].Position, v.Position)
		require.Equal(t, string(events[i].Body), v.Body)
		require.True(t, events[i].RecordedAt.Equal(v.Recorded))
	}
	bad := &endless{made: events[0]}
	bad.made.Actor = "\xff"
	_, err = export.Run(t.Context(), bad, options(t, export.NDJSON, 1))
	require.ErrorContains(t, err, "no UTF-8")
}

// TestUnsuitableOptions names what does not fit.
func TestUnsuitableOptions(t *testing.T) {
	t.Parallel()
	log, _ := story(t)
	o := options(t, "xml", 1)
	_, err := export.Run(t.Context(), log, o)
	var coded *domain.Error
	require.ErrorAs(t, err, &coded)
	o = options(t, export.CSV, 1)
	o.PartEvents = -1
	_, err = export.Run(t.Context(), log, o)
	require.ErrorAs(t, err, &coded)
	_, err = os.Stat(o.Dir)
	require.ErrorIs(t, err, os.ErrNotExist, "nothing was made")
}

// TestExportVerifies holds the writer against the independent reader.
func TestExportVerifies(t *testing.T) {
	t.Parallel()
	log, events := story(t)
	o := options(t, export.Parquet, int64(len(events)))
	m, err := export.Run(t.Context(), log, o)
	require.NoError(t, err)
	report, err := bundle.Verify(t.Context(), bundle.Options{Dirs: []string{o.Dir}, Registry: registry(t)})
	require.NoError(t, err)
	require.Empty(t, report.Log.Findings)
	require.Equal(t, m.Tree.Root, report.Log.Root)
}
