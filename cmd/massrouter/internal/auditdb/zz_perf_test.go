package auditdb_test

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchledger"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/postgres"
	"github.com/massrouter/massrouter/internal/pgcluster"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

func TestPerf(t *testing.T) {
	dir := os.Getenv("PERFDIR")
	ctx := context.Background()
	_, statErr := os.Stat(dir + "/done")
	c, err := pgcluster.Start(ctx, pgcluster.Options{Dir: dir})
	require.NoError(t, err)
	defer c.Stop(ctx)
	reg, _ := commands.Registry()
	cfg, _ := pgxpool.ParseConfig(c.URL("postgres"))
	cfg.MaxConns = 12
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	require.NoError(t, err)
	defer pool.Close()
	if statErr != nil {
		_, err = schema.Up(ctx, c.URL("postgres"), 0)
		require.NoError(t, err)
		_, err = benchledger.Run(ctx, benchledger.Options{Database: c.URL("postgres"), Duration: 25 * time.Second, Submitters: 512, Wallets: 1000, Progress: func(string, ...any) {}})
		require.NoError(t, err)
		store, _ := postgres.Open(ctx, pool, postgres.Options{})
		began := time.Now()
		require.NoError(t, runner.New(store, pool, reg, projections.All(), runner.Options{}).ToEnd(ctx))
		fmt.Println("projected in", time.Since(began))
		store.Close()
		pool.Exec(ctx, "VACUUM ANALYZE")
		os.WriteFile(dir+"/done", nil, 0o644)
	}
	debug.SetGCPercent(400)
	f, _ := os.Create("/tmp/mr/audit_cpu.out")
	pprof.StartCPUProfile(f)
	pg := func() int64 {
		raw, _ := os.ReadFile(dir + "/data/postmaster.pid")
		if raw == nil {
			m, _ := filepath.Glob(dir + "/*/postmaster.pid")
			raw, _ = os.ReadFile(m[0])
		}
		var pid int
		fmt.Sscan(string(raw), &pid)
		st, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		f := strings.Fields(string(st[bytes.LastIndexByte(st, ')')+1:]))
		a, _ := strconv.ParseInt(f[13], 10, 64)
		b, _ := strconv.ParseInt(f[14], 10, 64)
		return (a + b) * 10
	}
	pool.Reset()
	time.Sleep(300 * time.Millisecond)
	pg0 := pg()
	cpuA := cpuNow()
	r, err := auditdb.Verify(ctx, pool, auditdb.Options{Registry: reg, Progress: func(a, b, c int64) { fmt.Println(a, b, c) }})
	pprof.StopCPUProfile()
	require.NoError(t, err)
	cpuB := cpuNow()
	pool.Reset()
	time.Sleep(300 * time.Millisecond)
	fmt.Println("pg cpu us/event", float64(pg()-pg0)*1000/float64(r.Log.Events))
	_ = cpuB
	fmt.Println("full cpu us/event", float64((cpuB-cpuA).Microseconds())/float64(r.Log.Events))
	fmt.Println(r.Log.FindingCount, r.Log.Events, r.Took, r.PerSecond, r.Log.Findings)
	for _, tb := range r.Tables { fmt.Println(tb) }
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	fmt.Println("sys MB", ms.Sys>>20, "heap", ms.HeapAlloc>>20)
	// the pure part alone
	store, _ := postgres.Open(ctx, pool, postgres.Options{})
	defer store.Close()
	var all []eventstore.Event
	for {
		ev, err := store.Read(ctx, int64(len(all)), 5000)
		require.NoError(t, err)
		if len(ev) == 0 || len(all) > 200000 { break }
		all = append(all, ev...)
	}
	f, _ = os.Create("/tmp/mr/audit_pure.out")
	pprof.StartCPUProfile(f)
	defer pprof.StopCPUProfile()
	cpu0 := cpuNow()
	began := time.Now()
	rep, err := audit.Verify(ctx, func(yield func([]eventstore.Event, error) bool) {
		for i := 0; i < len(all); i += 2000 {
			if !yield(all[i:min(i+2000, len(all))], nil) { return }
		}
	}, audit.Options{Registry: reg})
	require.NoError(t, err)
	fmt.Println("pure", rep.Events, float64(rep.Events)/time.Since(began).Seconds(), rep.FindingCount, "cpu us/event", float64((cpuNow()-cpu0).Microseconds())/float64(rep.Events))
}

func cpuNow() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
