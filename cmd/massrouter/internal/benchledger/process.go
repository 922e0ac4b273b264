package benchledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/history"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
)

// findAccounts reads the wallets that another process has opened.
func (b *bench) findAccounts(ctx context.Context) error {
	rows, err := b.pool.Query(ctx, `SELECT stream_id FROM ledger.streams WHERE stream_id LIKE $1 ORDER BY stream_id`, wallet.Kind+"-%")
	if err != nil {
		return fmt.Errorf("find the wallets: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var stream domain.StreamID
		if err := rows.Scan((*string)(&stream)); err != nil {
			return fmt.Errorf("find the wallets: %w", err)
		}
		id, err := uuid.Parse(stream.Identity())
		if err != nil {
			return fmt.Errorf("find the wallets: %w", err)
		}
		b.accounts = append(b.accounts, history.NewAccount(id))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("find the wallets: %w", err)
	}
	return nil
}

// severalProcesses lets workers share the load. Rates and batches add up over the workers; a percentile is that of the
// slowest worker.
func (b *bench) severalProcesses(ctx context.Context) (Report, error) {
	b.o.Progress("measuring with %d processes", b.o.Processes)
	reports := make([]Report, b.o.Processes)
	group, workCtx := errgroup.WithContext(ctx)
	for i := range reports {
		group.Go(func() (err error) {
			o := b.o
			o.Submitters, o.Rate = max(o.Submitters/o.Processes, 1), o.Rate/o.Processes
			reports[i], err = o.Worker(workCtx, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Report{}, err
	}
	total := Report{Submitters: b.o.Submitters, Wallets: b.o.Wallets, Processes: b.o.Processes, OfferedPerSecond: b.o.Rate}
	for _, r := range reports {
		total.CommandsPerSecond += r.CommandsPerSecond
		total.Commands += r.Commands
		total.BatchMean += r.BatchMean / float64(len(reports))
		total.Seconds = max(total.Seconds, r.Seconds)
		total.P50, total.P99, total.P999 = max(total.P50, r.P50), max(total.P99, r.P99), max(total.P999, r.P999)
	}
	b.batches.Store(1)
	b.events.Store(int64(total.BatchMean))
	if err := b.copyTurn(ctx, b.o.Duration/2); err != nil {
		return Report{}, err
	}
	total.BytesPerEvent = b.eventBytes
	total.CopyLimitPerSecond = float64(b.copied) / b.copyTime.Seconds()
	total.Ratio = total.CommandsPerSecond / total.CopyLimitPerSecond
	return total, nil
}
