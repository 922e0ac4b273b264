package wallet

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// PriceGroupSet says whose prices a wallet pays from here on.
type PriceGroupSet struct {
	Group string `json:"price_group,omitempty"` // the group; none, which means the list's prices, when missing
}

// EventType is the stored name.
func (PriceGroupSet) EventType() string { return "wallet.price_group_set.v1" }

func (PriceGroupSet) wallet() {}

// SetPriceGroup says whose prices the wallet pays; "" means the list's.
type SetPriceGroup struct {
	Group string
}

// SetPriceGroup decides a SetPriceGroup (W14). Errors: wallet_not_found, invalid_request, conflict.
func (s *State) SetPriceGroup(c SetPriceGroup) (PriceGroupSet, error) {
	if err := s.opened(); err != nil {
		return PriceGroupSet{}, err
	}
	if c.Group != "" {
		if err := catalog.CheckPriceGroup(c.Group); err != nil {
			return PriceGroupSet{}, err
		}
	}
	if c.Group == s.PriceGroup {
		return PriceGroupSet{}, domain.Errorf(domain.CodeConflict, "the wallet is in that price group already")
	}
	return PriceGroupSet(c), nil
}
