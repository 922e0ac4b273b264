package program

import (
	"fmt"
	"time"

	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// sealEvery is how long an entry of the audit trail waits for its link.
const sealEvery = 500 * time.Millisecond

// sealer chains the audit trail. With the transparency log's key it signs the chain's end as well, unless the operator has abandoned what was published.
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
	return stage{{"audit trail", chaining.run}}, nil
}
