package inference

import (
	"encoding/json"
	"net/http"

	"github.com/massrouter/massrouter/domain/money"
)

// number is an amount as a JSON number with all of its digits. OpenRouter's clients expect numbers; those that read them
// into floats lose digits on their side.
func number(a money.Amount) json.Number { return json.Number(a.String()) }

type credits struct {
	Data creditSums `json:"data"`
}

type creditSums struct {
	TotalCredits json.Number `json:"total_credits"`
	TotalUsage   json.Number `json:"total_usage"`
}

// credits answers GET /api/v1/credits for the wallet of the calling key.
func (a *API) credits(r *http.Request, c caller) (any, error) {
	w, err := a.Balance.Wallet(r.Context(), c.wallet, 0)
	if err != nil {
		return nil, err
	}
	return credits{creditSums{TotalCredits: number(w.CreditedTotal), TotalUsage: number(w.ChargedTotal)}}, nil
}
