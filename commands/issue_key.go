package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
)

// IssueKey adds a key to a wallet. The caller makes the secret and shows it once; only its hash comes here.
type IssueKey struct {
	KeyID    uuid.UUID     `json:"key_id"`
	WalletID uuid.UUID     `json:"wallet_id"`
	Hash     apikey.Hash   `json:"hash"`
	Label    string        `json:"label"`
	Limits   apikey.Limits `json:"limits"`
	Scope    apikey.Scope  `json:"scope,omitempty"`
}

// IssueKey records a key.
func (a *App) IssueKey(ctx context.Context, m Meta, c IssueKey) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (IssueKey) name() string { return "issue_key" }

func (c IssueKey) streams() []domain.StreamID {
	return []domain.StreamID{apikey.Stream(c.KeyID), wallet.Stream(c.WalletID)}
}

func (c IssueKey) decide(d *executor.Decision) (Done, error) {
	if !state[*wallet.State](d, wallet.Stream(c.WalletID)).Opened {
		return Done{}, domain.Errorf(domain.CodeWalletNotFound, "no such wallet")
	}
	s := state[*apikey.State](d, apikey.Stream(c.KeyID))
	e, err := s.Issue(apikey.Issue(c), d.Now())
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(apikey.Stream(c.KeyID), e)
}
