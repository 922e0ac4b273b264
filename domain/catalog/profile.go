package catalog

import (
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const maxDatacenters = 60

// Profile is what customers want to know of a vendor before they send it anything.
type Profile struct {
	Headquarters      string   `json:"headquarters,omitempty"`         // country, ISO 3166-1 alpha-2
	Datacenters       []string `json:"datacenters,omitempty"`          // countries, ISO 3166-1 alpha-2
	PrivacyPolicyURL  string   `json:"privacy_policy_url,omitempty"`   // https
	TermsOfServiceURL string   `json:"terms_of_service_url,omitempty"` // https
	StatusPageURL     string   `json:"status_page_url,omitempty"`      // https
}

// normal checks a profile and parts it from the caller's slices. Errors: invalid_request.
func (p Profile) normal() (Profile, error) {
	if p.Headquarters != "" && !isCountry(p.Headquarters) {
		return Profile{}, domain.Errorf(domain.CodeInvalid, "headquarters is a country, in two capital letters of ISO 3166-1")
	}
	for _, c := range p.Datacenters {
		if !isCountry(c) {
			return Profile{}, domain.Errorf(domain.CodeInvalid, "datacenters are countries, in two capital letters of ISO 3166-1")
		}
	}
	for field, address := range map[string]string{
		"privacy_policy_url": p.PrivacyPolicyURL, "terms_of_service_url": p.TermsOfServiceURL, "status_page_url": p.StatusPageURL,
	} {
		if address != "" && !isPage(address) {
			return Profile{}, domain.Errorf(domain.CodeInvalid, "%s is an https URL without user", field)
		}
	}
	var err error
	p.Datacenters, err = words("datacenters", p.Datacenters, maxDatacenters, isCountry)
	return p, err
}

// isCountry says whether it is an officially assigned code.
func isCountry(code string) bool { return len(code) == 2 && strings.Contains(countries, code+" ") }

// countries are the officially assigned codes of ISO 3166-1 alpha-2.
const countries = "" +
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY " +
	"BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK " +
	"FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR " +
	"IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK " +
	"ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM " +
	"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF " +
	"TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW "
