package usage

import (
	"fmt"
	"strings"
)

// family is tables that have the same rows at different granularities.
type family string

const (
	ofCalls  family = "usage"
	ofErrors family = "usage_errors" // by class
	ofKeys   family = "usage_keys"   // over all models; only days and months
)

const (
	openTable    = "views.usage_open_v3"
	minutesTable = "views.usage_minutes_v3"
)

// has says whether the family has a table of a granularity.
func (f family) has(g Granularity) bool { return f != ofKeys || g == Day || g == Month }

// table is the table of a granularity; that of all calls where the family has none.
func (f family) table(g Granularity) string {
	if !f.has(g) {
		f = ofCalls
	}
	return fmt.Sprintf("views.%s_%s_v3", f, g)
}

// keyNames are the columns of a key.
const keyNames = "bucket, wallet_id, key_id, app_id, model, endpoint, currency"

// sumList are the columns of Sums, in its order.
func sumList() []string {
	return []string{
		"calls", "charged", "errors", "cancelled", "estimated", "expired",
		"input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
		"charge", "uncollectible", "vendor_cost", "upstream_cost",
		"first_token", "duration",
	}
}

func sumNames() string { return strings.Join(sumList(), ", ") }

// summed is the list of all sums in SQL.
func summed() string { return "sum(" + strings.Join(sumList(), "), sum(") + ")" }
