package usage

import "github.com/google/uuid"

// Dimension is what calls are grouped by.
type Dimension string

// The dimensions.
const (
	ByWallet   Dimension = "wallet"
	ByKey      Dimension = "key"
	ByApp      Dimension = "app" // the registered app; "" when there was none
	ByModel    Dimension = "model"
	ByVendor   Dimension = "vendor"
	ByEndpoint Dimension = "endpoint"
	ByError    Dimension = "error" // the class: the reason of a release, or the error of a charged call; only of errors
)

// Dimensions lists all dimensions.
func Dimensions() []Dimension {
	return []Dimension{ByWallet, ByKey, ByApp, ByModel, ByVendor, ByEndpoint, ByError}
}

// column is the expression of a dimension's text; "" for an unknown dimension.
func (d Dimension) column() string {
	switch d {
	case ByWallet:
		return "u.wallet_id::text"
	case ByKey:
		return "u.key_id::text"
	case ByApp:
		return "coalesce(nullif(u.app_id, '" + uuid.Nil.String() + "')::text, '')"
	case ByModel:
		return "u.model"
	case ByVendor:
		return "u.vendor"
	case ByEndpoint:
		return "u.endpoint"
	case ByError:
		return "u.class"
	}
	return ""
}
