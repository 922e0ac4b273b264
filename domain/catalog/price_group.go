package catalog

import (
	"time"

	"github.com/massrouter/massrouter/domain"
)

// GroupPrices are the price versions of price groups by their names, each in the order of publication.
type GroupPrices map[string][]PriceVersion

// CheckPriceGroup refuses what cannot be the name of a price group with code invalid_request.
func CheckPriceGroup(name string) error {
	if !slugPattern.MatchString(name) {
		return domain.Errorf(domain.CodeInvalid, "a price group is named by 1 to 50 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit")
	}
	return nil
}

// InForceFor picks the version that a customer of a price group pays (C8): the group's own in force, otherwise the list's. Versions are
// in the order of publication; group is "" for customers of none.
func InForceFor(list []PriceVersion, groups GroupPrices, group string, now time.Time) (PriceVersion, bool) {
	if group != "" {
		if v, ok := InForce(groups[group], now); ok {
			return v, true
		}
	}
	return InForce(list, now)
}
