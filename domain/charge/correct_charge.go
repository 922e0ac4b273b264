package charge

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/wallet"
)

// Note is what the charge has to know of a correction that its wallet decided.
func (s *State) Note(walletID uuid.UUID, e wallet.ChargeCorrected) Corrected {
	return Corrected{GenerationID: e.HoldID, WalletID: walletID, Number: e.Number, Evidence: e.Evidence, Bill: e.After}
}
