package catalog

import "github.com/massrouter/massrouter/domain"

const maxUpstreamModel = 200 // bytes

// Publish decides that an endpoint is published whole (C1, C2); vendor and model are the states that it names.
// Errors: invalid_request, vendor_not_found, model_not_found, conflict.
func (s *EndpointState) Publish(e Endpoint, vendor *VendorState, model *ModelState) (EndpointPublished, error) {
	if !endpointPattern.MatchString(e.ID) || e.ID != e.Model+"@"+e.Vendor {
		return EndpointPublished{}, domain.Errorf(domain.CodeInvalid, "an endpoint id has the form model@vendor, of the model and the vendor that it names")
	}
	if s.Published && (s.Endpoint.ID != e.ID || s.Endpoint.Model != e.Model || s.Endpoint.Vendor != e.Vendor) {
		return EndpointPublished{}, domain.Errorf(domain.CodeConflict, "an endpoint keeps its id, model and vendor")
	}
	if vendor == nil || !vendor.Published || vendor.Vendor.ID != e.Vendor {
		return EndpointPublished{}, domain.Errorf(domain.CodeVendorNotFound, "the vendor %q is not published", e.Vendor)
	}
	if model == nil || !model.Published || model.Model.ID != e.Model {
		return EndpointPublished{}, domain.Errorf(domain.CodeModelNotFound, "the model %q is not published", e.Model)
	}
	if err := domain.CheckTextSize("upstream_model", e.UpstreamModel, 1, maxUpstreamModel); err != nil {
		return EndpointPublished{}, err
	}
	if err := checkLengths(e.ContextLength, e.MaxCompletionTokens); err != nil {
		return EndpointPublished{}, err
	}
	if err := e.Status.check(); err != nil {
		return EndpointPublished{}, err
	}
	terms, err := e.Terms.normal(e.ContextLength)
	if err != nil {
		return EndpointPublished{}, err
	}
	e.Terms = terms
	return EndpointPublished{e}, nil
}
