package projections_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/checkpoint"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

func TestZZFollow(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		return
	}
	k := pt.New(t, pgtest.New(t))
	b := &testing.B{}
	_ = b
	testing.Benchmark(func(b *testing.B) {
		if b.N > 1 {
			return
		}
		calls(b, k, 40000)
		all, err := k.Store.Read(b.Context(), 0, 1000000)
		require.NoError(b, err)
		live := memory.New(memory.Options{})
		sig := &checkpoint.Signal{}
		ctx, cancel := context.WithCancel(b.Context())
		gap, _ := time.ParseDuration(os.Getenv("GAP"))
		list := projections.All()
		if n := os.Getenv("ONLY"); n != "" {
			list = list[n[0]-48 : n[0]-47]
		}
		r := runner.New(live, k.Pool, k.Registry, list, runner.Options{Gap: gap, Signal: sig, OnError: func(n string, err error) { fmt.Println(n, err) }})
		done := make(chan error)
		if os.Getenv("ZZ") == "run" {
			go func() { done <- r.Run(ctx) }()
		}
		versions := map[domain.StreamID]int64{}
		start := time.Now()
		worst := time.Duration(0)
		views := []*checkpoint.View{}
		for _, p := range list {
			views = append(views, checkpoint.NewView(k.Pool, p.Name(), 1, checkpoint.WithSignal(sig)))
		}
		for i := 0; i < len(all); i += 40 {
			tx, err := live.Begin(ctx, 0, 0)
			require.NoError(b, err)
			var batch eventstore.Batch
			from := map[domain.StreamID]int64{}
			for _, e := range all[i:min(i+40, len(all))] {
				if _, ok := from[e.StreamID]; !ok {
					from[e.StreamID] = versions[e.StreamID]
				}
				versions[e.StreamID]++
				batch.Events = append(batch.Events, e)
			}
			for id, v := range from {
				batch.Streams = append(batch.Streams, eventstore.StreamWrite{ID: id, From: v, To: versions[id]})
			}
			require.NoError(b, tx.Commit(ctx, &batch))
			time.Sleep(time.Until(start.Add(time.Duration(i/40) * 5 * time.Millisecond)))
		}
		if os.Getenv("ZZ") == "run" {
			at := time.Now()
			for _, v := range views {
				require.NoError(b, v.WaitFor(ctx, int64(len(all))))
			}
			worst = time.Since(at)
		}
		fmt.Println("events", len(all), "took", time.Since(start), "lag at end", worst)
		cancel()
		if os.Getenv("ZZ") == "run" {
			<-done
		}
	})
}
