package catalogimport

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

// newVendor is a vendor that the catalogue does not have, with what no list says: the same as of 'massrouter vendor publish'.
func newVendor(id, name, baseURL string) catalog.Vendor {
	if name == "" {
		name = id
	}
	return catalog.Vendor{
		ID: id, Name: name, BaseURL: baseURL, Dialect: "openai", CancelPolicy: catalog.Drain, MaxTokensField: "max_tokens",
		Status: catalog.Active,
	}
}

// The catalogue decides by its own rules, on nothing: what they refuse is never sent.

func checkVendor(v catalog.Vendor) error {
	_, err := (&catalog.VendorState{}).Publish(v)
	return message(err)
}

func checkVendorID(id string) error { return checkVendor(newVendor(id, "x", "https://vendor.example")) }

func checkModel(m catalog.Model) error {
	_, err := (&catalog.ModelState{}).Publish(m)
	return message(err)
}

func checkEndpoint(e catalog.Endpoint) error {
	_, err := (&catalog.EndpointState{}).Publish(e,
		&catalog.VendorState{Published: true, Vendor: catalog.Vendor{ID: e.Vendor}},
		&catalog.ModelState{Published: true, Model: catalog.Model{ID: e.Model}})
	return message(err)
}

// message is a domain error's text without its code.
func message(err error) error {
	var coded *domain.Error
	if errors.As(err, &coded) {
		return errors.New(coded.Message)
	}
	return err
}

// checkSchedules refuses prices that the catalogue's rules refuse.
func checkSchedules(prices []Dated) error {
	for _, d := range prices {
		if err := d.Price.Check(); err != nil {
			return refuse(ReasonCatalogRefuse, "%v", message(err))
		}
	}
	return nil
}

// number is the text of a JSON number.
func number(raw jsontext.Value, shift int) (money.Price, error) {
	if raw.Kind() != '0' {
		return money.Price{}, refuse(ReasonPriceInvalid, "%s is no number", clip(string(raw)))
	}
	return parsePrice(string(raw), shift)
}

// shapeError says what does not fit, without the Go types.
func shapeError(err error) string {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		text := "a member does not fit"
		if semantic.JSONPointer != "" {
			text = string(semantic.JSONPointer) + " does not fit"
		}
		if errors.Is(err, json.ErrUnknownName) {
			text = string(semantic.JSONPointer) + " is not known to this reader"
		}
		return clip(text)
	}
	return clip(err.Error())
}
