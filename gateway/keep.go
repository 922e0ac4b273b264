package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/answers"
)

// claimToken takes the call's Idempotency-Key, if it has one. replayed: the caller has got the answer of an earlier call.
func (r *run) claimToken(ctx context.Context) (replayed bool, err error) {
	c, kept, err := r.takeToken(ctx)
	if err != nil || kept == nil {
		return false, err
	}
	return true, r.replay(ctx, c, kept)
}

// takeToken is claimToken, but that an answer of an earlier call is returned.
func (r *run) takeToken(ctx context.Context) (c answers.Claim, kept *answers.Answer, err error) {
	if r.call.Token == "" {
		return c, nil, nil
	}
	if r.g.o.Answers == nil {
		return c, nil, domain.Errorf(domain.CodeInvalid, "an Idempotency-Key cannot be honoured here")
	}
	if c, err = answers.NewClaim(r.call.KeyID, r.call.Token, r.asked.Content(), r.id); err != nil {
		return c, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
	defer cancel()
	kept, err = r.g.o.Answers.Claim(limited, c, r.call.Secret, r.g.o.Lease)
	if err == nil && kept == nil {
		r.claim = &c
	}
	return c, kept, err // should the token be taken in spite of an error, its lease ends
}

// replay gives the first answer again, after its charge has surely been sent.
func (r *run) replay(ctx context.Context, c answers.Claim, kept *answers.Answer) error {
	c.Generation = kept.Generation
	if !kept.Settled {
		s, err := decodeSettlement(kept.Settlement)
		if err != nil {
			return err
		}
		if !r.g.settleKept(ctx, c, *s) {
			return domain.Errorf(domain.CodeUnavailable, "the ledger cannot be reached; try again")
		}
	}
	r.outcome = "replayed"
	r.facts.Streamed = kept.Streamed
	r.out.admitted(domain.GenerationID(kept.Generation))
	r.out.replay(kept.Streamed, kept.Body)
	return nil
}

// settleKept sends the charge of a kept answer and notes it; false when neither ledger nor journal would have it.
func (g *Gateway) settleKept(ctx context.Context, c answers.Claim, s settlement) bool {
	_, state := g.settle(ctx, s, g.o.SettleWait)
	if state == recorded || state == refused {
		g.noteSettled(ctx, c)
	}
	return state != stranded
}

// noteSettled spares others the sending of a charge that the ledger has. It may fail: they would be told so by the ledger.
func (g *Gateway) noteSettled(ctx context.Context, c answers.Claim) {
	ctx, cancel := context.WithTimeout(ctx, g.o.LedgerTimeout)
	defer cancel()
	if err := g.o.Answers.Settled(ctx, c); err != nil && !errors.Is(err, answers.ErrLost) {
		g.o.Logger.Warn().Err(err).Str("generation", c.Generation.String()).Msg("a settlement was not noted beside its answer")
	}
}

// keep writes the answer down with the command that charges it, before that command is sent. Without a database it tries
// for as long as a settlement would; then the call goes on without.
func (r *run) keep(ctx context.Context, s *settlement, final []byte) {
	record, err := s.record()
	if err != nil {
		r.g.o.Logger.Error().Err(err).Str("generation", r.name).Msg("an answer was not kept")
		return
	}
	a := answers.Answer{Generation: r.id, Streamed: r.req.Stream, Body: r.out.recorded(final), Settlement: record.Body}
	until := time.Now().Add(r.g.o.SettleWait)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		limited, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
		err = r.g.o.Answers.Keep(limited, *r.claim, r.call.Secret, a)
		cancel()
		if domain.CodeOf(err) != domain.CodeUnavailable || time.Now().After(until) || !r.g.pause(pause) {
			break
		}
	}
	if err != nil {
		r.g.o.Logger.Error().Err(err).Str("generation", r.name).Msg("an answer was not kept")
	}
}

// freeToken gives the Idempotency-Key of a call that failed back, so that it can be tried again. Should that fail, its
// lease ends.
func (r *run) freeToken(ctx context.Context) {
	if r.claim == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
	defer cancel()
	if err := r.g.o.Answers.Free(ctx, *r.claim); err != nil && !errors.Is(err, answers.ErrLost) {
		r.g.o.Logger.Warn().Err(err).Str("generation", r.id.String()).Msg("an idempotency key was not freed; its lease will end")
	}
}
