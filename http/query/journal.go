package query

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/journal"
)

// GetTrialBalance shows the balance of every account.
func (a *API) GetTrialBalance(ctx context.Context, r GetTrialBalanceRequestObject) (GetTrialBalanceResponseObject, error) {
	t, err := a.views.Journal.TrialBalance(ctx, booksAsOf(r.Params.AsOf), position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	answer := GetTrialBalance200JSONResponse{
		Lines: make([]TrialBalanceLine, len(t.Lines)), Sums: currencySums(t.Sums()), Position: openapi.Count(t.Position), AsOf: t.AsOf,
	}
	for i, l := range t.Lines {
		answer.Lines[i] = TrialBalanceLine{
			Account: string(l.Account), Group: l.Group, Kind: string(l.Kind), Normal: string(l.Normal), Currency: l.Currency, Balance: l.Balance,
		}
	}
	return answer, nil
}

// currencySums lists sums by currency, in the order of the codes.
func currencySums(sums map[money.Currency]money.Amount) []CurrencySum {
	out := make([]CurrencySum, 0, len(sums))
	for _, currency := range slices.SortedFunc(maps.Keys(sums), cmp.Compare[money.Currency]) {
		out = append(out, CurrencySum{Currency: currency, Amount: sums[currency]})
	}
	return out
}

// ListJournalEntries lists the entries of the books.
func (a *API) ListJournalEntries(ctx context.Context, r ListJournalEntriesRequestObject) (ListJournalEntriesResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := a.views.Journal.Entries(ctx, journal.EntriesRequest{
		WalletID: r.Params.WalletID, From: chosen(r.Params.From), To: chosen(r.Params.To), AsOf: booksAsOf(r.Params.AsOf),
		Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	answer := ListJournalEntries200JSONResponse{
		Items: make([]JournalEntry, len(page.Entries)), NextCursor: present(page.NextCursor),
		Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Entries {
		answer.Items[i] = journalEntry(&page.Entries[i])
	}
	return answer, nil
}

func journalEntry(e *journal.Entry) JournalEntry {
	answer := JournalEntry{
		Position: openapi.Count(e.Position), RecordedAt: e.RecordedAt, Kind: e.Kind, EventType: journal.EventType(e.Kind),
		WalletID: e.WalletID, GenerationID: generationID(e.GenerationID), Currency: e.Currency, Reference: present(e.Reference),
		Reason: present(e.Reason), Model: present(e.Model), Legs: make([]JournalLeg, len(e.Legs)),
	}
	for i, leg := range e.Legs {
		answer.Legs[i] = JournalLeg{Account: string(leg.Account), Amount: leg.Amount, Balance: leg.Balance}
	}
	return answer
}

// generationID is the id of a hold as callers know it, nil for none.
func generationID(id *uuid.UUID) *string {
	if id == nil {
		return nil
	}
	return present(domain.GenerationID(*id))
}

// GetJournalAccount shows the balances of an account.
func (a *API) GetJournalAccount(ctx context.Context, r GetJournalAccountRequestObject) (GetJournalAccountResponseObject, error) {
	b, err := a.views.Journal.Balances(ctx, money.Account(r.Account), booksAsOf(r.Params.AsOf), position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetJournalAccount200JSONResponse{
		Account: string(b.Account), Group: b.Group, Kind: string(b.Kind), Normal: string(b.Normal), Balances: currencySums(b.ByCurrency),
		Position: openapi.Count(b.Position), AsOf: b.AsOf,
	}, nil
}

// GetAccountLedger lists the legs on an account.
func (a *API) GetAccountLedger(ctx context.Context, r GetAccountLedgerRequestObject) (GetAccountLedgerResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	page, err := a.views.Journal.Ledger(ctx, journal.LedgerRequest{
		Account: money.Account(r.Account), Currency: money.Currency(chosen(r.Params.Currency)), From: chosen(r.Params.From), To: chosen(r.Params.To),
		AsOf: booksAsOf(r.Params.AsOf), Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	answer := GetAccountLedger200JSONResponse{
		Items: make([]AccountLine, len(page.Lines)), NextCursor: present(page.NextCursor), Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i, l := range page.Lines {
		answer.Items[i] = AccountLine{
			Position: openapi.Count(l.Position), RecordedAt: l.RecordedAt, Kind: l.Kind, WalletID: l.WalletID,
			GenerationID: generationID(l.GenerationID), Currency: l.Currency, Amount: l.Amount, BalanceBefore: l.Balance.Sub(l.Amount),
			BalanceAfter: l.Balance,
		}
	}
	return answer, nil
}
