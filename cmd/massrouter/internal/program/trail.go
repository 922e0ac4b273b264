package program

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// sealEvery is how long an entry of the audit trail waits for its link.
const sealEvery = 500 * time.Millisecond

// strangersEvery is how often what is personal of strangers is looked for that is older than it may be.
const strangersEvery = time.Hour

// sealer chains the audit trail, and erases strangers from it in time. With the transparency log's key it signs the chain's end as well, unless the operator has abandoned what was published.
func (p *Program) sealer() (stage, error) {
	var sign *auditlog.Signatory
	if c := p.o.Config.Proof; c.LogKey.IsSet() && !p.forked {
		signer, _, verifier, err := translog.ParseKey(c.LogKey.Reveal())
		if err != nil {
			return nil, fmt.Errorf("read the transparency log's key: %w", err)
		}
		sign = &auditlog.Signatory{Signer: signer, Verifier: verifier, Dir: c.LogDir}
	}
	chaining := task{
		name: "audit trail", every: sealEvery, takeover: time.Second, pool: p.workers, log: p.o.Log, tick: auditlog.NewSealer(auditlog.New(p.workers), sign).Tick,
	}
	erasing := task{name: "audit trail strangers", every: strangersEvery, takeover: time.Minute, pool: p.workers, log: p.o.Log, tick: p.forgetStrangers}
	return stage{{"audit trail", chaining.run}, {"audit trail strangers", erasing.run}}, nil
}

// forgetStrangers erases addresses of nobody's account from entries that are old enough.
func (p *Program) forgetStrangers(ctx context.Context) error {
	n, err := auditlog.New(p.workers).ForgetStrangers(ctx, time.Now().Add(-p.o.Config.Trail.AuditRetention))
	if n > 0 {
		p.o.Log.Info().Int64("entries", n).Msg("addresses of strangers were erased from the audit trail")
	}
	return err
}
