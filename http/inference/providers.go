package inference

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	domaincatalog "github.com/massrouter/massrouter/domain/catalog"
)

// provider is OpenRouter's entry of /providers: a vendor, with what it promises. What nobody said is null.
type provider struct {
	Name              string   `json:"name"`
	Slug              string   `json:"slug"`
	PrivacyPolicyURL  *string  `json:"privacy_policy_url"`
	TermsOfServiceURL *string  `json:"terms_of_service_url"`
	StatusPageURL     *string  `json:"status_page_url"`
	Headquarters      *string  `json:"headquarters"`
	Datacenters       []string `json:"datacenters"`
}

// listProviders answers GET /api/v1/providers: the active vendors by id.
func (a *API) listProviders(r *http.Request, _ visitor) (any, error) {
	if err := newParameters(r.URL.Query()).done(); err != nil {
		return nil, err
	}
	s, err := a.Catalog.Get(r.Context())
	if err != nil {
		return nil, err
	}
	list := envelope[[]provider]{[]provider{}}
	for _, v := range slices.SortedFunc(maps.Values(s.Vendors), func(a, b domaincatalog.Vendor) int { return cmp.Compare(a.ID, b.ID) }) {
		if v.Status != domaincatalog.Active {
			continue
		}
		p := domaincatalog.Profile{}
		if v.Profile != nil {
			p = *v.Profile
		}
		list.Data = append(list.Data, provider{
			Name: v.Name, Slug: v.ID, PrivacyPolicyURL: orNull(p.PrivacyPolicyURL), TermsOfServiceURL: orNull(p.TermsOfServiceURL),
			StatusPageURL: orNull(p.StatusPageURL), Headquarters: orNull(p.Headquarters), Datacenters: p.Datacenters,
		})
	}
	return list, nil
}
