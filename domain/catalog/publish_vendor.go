package catalog

import (
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const maxName = 100 // bytes

// Publish decides that a vendor is published whole (C1). Errors: invalid_request, conflict.
func (s *VendorState) Publish(v Vendor) (VendorPublished, error) {
	if !slugPattern.MatchString(v.ID) {
		return VendorPublished{}, domain.Errorf(domain.CodeInvalid, "a vendor id has 1 to 50 characters a-z, 0-9, '.', '_' or '-'")
	}
	if s.Published && s.Vendor.ID != v.ID {
		return VendorPublished{}, domain.Errorf(domain.CodeConflict, "a vendor keeps its id")
	}
	if err := domain.CheckTextSize("name", v.Name, 1, maxName); err != nil {
		return VendorPublished{}, err
	}
	if err := checkURL(v.BaseURL); err != nil {
		return VendorPublished{}, err
	}
	if err := checkChoice("dialect", v.Dialect, "openai", "responses", "anthropic", "gemini", "bedrock"); err != nil {
		return VendorPublished{}, err
	}
	if err := checkChoice("cancel_policy", v.CancelPolicy, Cancel, Drain); err != nil {
		return VendorPublished{}, err
	}
	if err := checkChoice("max_tokens_field", v.MaxTokensField, "max_tokens", "max_completion_tokens"); err != nil {
		return VendorPublished{}, err
	}
	if err := v.Status.check(); err != nil {
		return VendorPublished{}, err
	}
	if v.Profile != nil {
		profile, err := v.Profile.normal()
		if err != nil {
			return VendorPublished{}, err
		}
		v.Profile = &profile
	}
	if v.Wire != nil {
		wire, err := v.Wire.normal()
		if err != nil {
			return VendorPublished{}, err
		}
		v.Wire = &wire
	}
	return VendorPublished{v}, nil
}

func (s Status) check() error { return checkChoice("status", s, Active, Disabled) }

// checkChoice refuses a value that is none of the choices, and names them.
func checkChoice[T ~string](field string, value T, choices ...T) error {
	if slices.Contains(choices, value) {
		return nil
	}
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = string(c)
	}
	return domain.Errorf(domain.CodeInvalid, "%s is one of: %s", field, strings.Join(names, ", "))
}
