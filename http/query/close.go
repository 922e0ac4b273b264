package query

import (
	"context"

	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/contract"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/journal"
)

// ListCloses lists the months of a wallet that exists.
func (a *API) ListCloses(ctx context.Context, r ListClosesRequestObject) (ListClosesResponseObject, error) {
	n, err := contract.Limit(r.Params.Limit, contract.MaxLimit)
	if err != nil {
		return nil, err
	}
	least := position(r.Params.MinPosition)
	if _, err := a.views.Balance.Wallet(ctx, r.WalletID, least); err != nil {
		return nil, err
	}
	page, err := a.views.Journal.Closes(ctx, journal.ClosesRequest{
		WalletID: r.WalletID, Cursor: chosen(r.Params.Cursor), Limit: n, MinPosition: least,
	})
	if err != nil {
		return nil, err
	}
	answer := ListCloses200JSONResponse{
		Items: make([]Close, len(page.Closes)), NextCursor: present(page.NextCursor), Position: openapi.Count(page.Position), AsOf: page.AsOf,
	}
	for i := range page.Closes {
		answer.Items[i] = monthOf(page.Closes[i].Month, &page.Closes[i].Movements)
	}
	return answer, nil
}

// GetClose shows a month of a wallet.
func (a *API) GetClose(ctx context.Context, r GetCloseRequestObject) (GetCloseResponseObject, error) {
	month, err := journal.ParseMonth(r.Month)
	if err != nil {
		return nil, err
	}
	c, err := a.views.Journal.Close(ctx, r.WalletID, month, booksAsOf(r.Params.AsOf), position(r.Params.MinPosition))
	if err != nil {
		return nil, err
	}
	return GetClose200JSONResponse{
		Close: monthOf(c.Month, &c.Movements), Final: c.Final, Position: openapi.Count(c.Position), AsOf: c.AsOf,
	}, nil
}

func monthOf(month journal.Month, m *journal.Movements) Close {
	return Close{
		Month: month.String(), Currency: m.Currency, Opening: postedAndHeld(m.Opening), TopUps: m.TopUps, Grants: m.Grants,
		Adjustments: m.Adjustments, Charges: m.Charges, HeldNet: m.HeldNet(), Closing: postedAndHeld(m.Closing),
	}
}

func postedAndHeld(b wallet.Balances) PostedAndHeld {
	return PostedAndHeld{Posted: b.Posted, Held: b.Held}
}
