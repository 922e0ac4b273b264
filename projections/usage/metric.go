package usage

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// Metric is a number that can be asked for.
type Metric string

// The metrics. Those of a share are between 0 and 1, with at most six decimals; quantiles are milliseconds, right within
// RelativeError percent.
const (
	Calls            Metric = "calls" // that were charged or released
	ChargedCalls     Metric = "charged_calls"
	Errors           Metric = "errors" // calls that were released, or charged with an error
	CancelledCalls   Metric = "cancelled_calls"
	EstimatedCalls   Metric = "estimated_calls" // whose tokens we counted
	ExpiredHolds     Metric = "expired_holds"   // without news of their call; not among the calls
	InputTokens      Metric = "input_tokens"    // that no cache served
	CacheReadTokens  Metric = "cache_read_tokens"
	CacheWriteTokens Metric = "cache_write_tokens" //nolint:gosec // counts, no credentials
	OutputTokens     Metric = "output_tokens"      // visible
	ReasoningTokens  Metric = "reasoning_tokens"
	PromptTokens     Metric = "prompt_tokens"     // input, cache_read and cache_write
	CompletionTokens Metric = "completion_tokens" // output and reasoning
	TotalTokens      Metric = "total_tokens"
	Charge           Metric = "charge"
	Uncollectible    Metric = "uncollectible" // the part of the charge that wallets did not have
	VendorCost       Metric = "vendor_cost"
	UpstreamCost     Metric = "upstream_cost" // what vendors billed customers for calls with their own keys; no part of the others
	Margin           Metric = "margin"        // charge - vendor_cost, collected or not
	ErrorShare       Metric = "error_share"
	CancelledShare   Metric = "cancelled_share"
	CacheShare       Metric = "cache_share" // cache_read_tokens of prompt_tokens
	FirstTokenP50    Metric = "first_token_p50"
	FirstTokenP95    Metric = "first_token_p95" //nolint:gosec // a quantile, no credential
	FirstTokenP99    Metric = "first_token_p99" //nolint:gosec // a quantile, no credential
	DurationP50      Metric = "duration_p50"
	DurationP95      Metric = "duration_p95"
	DurationP99      Metric = "duration_p99"
)

// Metrics lists all metrics.
func Metrics() []Metric {
	return []Metric{
		Calls, ChargedCalls, Errors, CancelledCalls, EstimatedCalls, ExpiredHolds, InputTokens, CacheReadTokens, CacheWriteTokens,
		OutputTokens, ReasoningTokens, PromptTokens, CompletionTokens, TotalTokens, Charge, Uncollectible, VendorCost, UpstreamCost, Margin,
		ErrorShare, CancelledShare, CacheShare, FirstTokenP50, FirstTokenP95, FirstTokenP99, DurationP50, DurationP95, DurationP99,
	}
}

// Value is one number and how many calls it is of.
type Value struct {
	Number  string // a decimal; "" when a share or quantile has no samples
	Samples int64
}

// Of computes a metric; an unknown one has no number.
func (m Metric) Of(s *Sums) Value {
	switch m {
	case Calls, Errors, CancelledCalls:
		return Value{decimalOf(m.count(s)), s.Calls}
	case ChargedCalls, EstimatedCalls, InputTokens, CacheReadTokens, CacheWriteTokens, OutputTokens, ReasoningTokens, PromptTokens,
		CompletionTokens, TotalTokens:
		return Value{decimalOf(m.count(s)), s.Charged}
	case ExpiredHolds:
		return Value{decimalOf(m.count(s)), s.Calls + s.Expired}
	case Charge, Uncollectible, VendorCost, UpstreamCost, Margin:
		return Value{m.amount(s).String(), s.Charged}
	case ErrorShare:
		return share(s.Errors, s.Calls, s.Calls)
	case CancelledShare:
		return share(s.Cancelled, s.Calls, s.Calls)
	case CacheShare:
		return share(s.CacheRead, s.Prompt(), s.Charged)
	case FirstTokenP50, FirstTokenP95, FirstTokenP99, DurationP50, DurationP95, DurationP99:
		return m.quantile(s)
	}
	return Value{}
}

// count is a metric that is a whole number.
func (m Metric) count(s *Sums) int64 {
	switch m {
	case Calls:
		return s.Calls
	case ChargedCalls:
		return s.Charged
	case Errors:
		return s.Errors
	case CancelledCalls:
		return s.Cancelled
	case EstimatedCalls:
		return s.Estimated
	case InputTokens:
		return s.Input
	case CacheReadTokens:
		return s.CacheRead
	case CacheWriteTokens:
		return s.CacheWrite
	case OutputTokens:
		return s.Output
	case ReasoningTokens:
		return s.Reasoning
	case PromptTokens:
		return s.Prompt()
	case CompletionTokens:
		return s.Completion()
	case ExpiredHolds:
		return s.Expired
	case TotalTokens:
		return s.Prompt() + s.Completion()
	default:
		return 0
	}
}

// isAmount says whether a metric is money.
func (m Metric) isAmount() bool {
	return m == Charge || m == Uncollectible || m == VendorCost || m == UpstreamCost || m == Margin
}

func (m Metric) amount(s *Sums) money.Amount {
	switch m {
	case Charge:
		return s.Charge
	case Uncollectible:
		return s.Uncollectible
	case VendorCost:
		return s.VendorCost
	case UpstreamCost:
		return s.UpstreamCost
	default:
		return s.Charge.Sub(s.VendorCost)
	}
}

func (m Metric) quantile(s *Sums) Value {
	h := s.Duration
	if strings.HasPrefix(string(m), "first_token") {
		h = s.FirstToken
	}
	percent := map[string]int64{"p50": 50, "p95": 95, "p99": 99}[string(m[len(m)-3:])]
	n := h.Count()
	if n == 0 {
		return Value{}
	}
	return Value{decimalOf(h.Quantile(percent)), n}
}

// columns are the columns that the metric is made of, beside calls and charged, of which the samples are.
func (m Metric) columns() []string {
	switch m {
	case Calls, ChargedCalls:
		return nil
	case Errors, ErrorShare:
		return []string{"errors"}
	case CancelledCalls, CancelledShare:
		return []string{"cancelled"}
	case EstimatedCalls:
		return []string{"estimated"}
	case ExpiredHolds:
		return []string{"expired"}
	case PromptTokens, CacheShare:
		return []string{"input_tokens", "cache_read_tokens", "cache_write_tokens"}
	case CompletionTokens:
		return []string{"output_tokens", "reasoning_tokens"}
	case TotalTokens:
		return append(PromptTokens.columns(), CompletionTokens.columns()...)
	case Margin:
		return []string{"charge", "vendor_cost"}
	case FirstTokenP50, FirstTokenP95, FirstTokenP99:
		return []string{"first_token"}
	case DurationP50, DurationP95, DurationP99:
		return []string{"duration"}
	case InputTokens, CacheReadTokens, CacheWriteTokens, OutputTokens, ReasoningTokens, Charge, Uncollectible, VendorCost, UpstreamCost:
	}
	return []string{string(m)}
}

// rank is the expression by which groups are ordered; "" when the metric does not add up.
func (m Metric) rank() string {
	switch m {
	case Calls, Errors, InputTokens, CacheReadTokens, CacheWriteTokens, OutputTokens, ReasoningTokens, Charge, Uncollectible, VendorCost, UpstreamCost:
		return string(m)
	case ChargedCalls:
		return "charged"
	case CancelledCalls:
		return "cancelled"
	case EstimatedCalls:
		return "estimated"
	case ExpiredHolds:
		return "expired"
	case PromptTokens:
		return "input_tokens + cache_read_tokens + cache_write_tokens"
	case CompletionTokens:
		return "output_tokens + reasoning_tokens"
	case TotalTokens:
		return "input_tokens + cache_read_tokens + cache_write_tokens + output_tokens + reasoning_tokens"
	case Margin:
		return "charge - vendor_cost"
	default:
		return ""
	}
}

func decimalOf(n int64) string { return strconv.FormatInt(n, 10) }

// share is a part of a whole that is no less, with six decimals, half a unit rounded up.
func share(part, whole, samples int64) Value {
	if whole <= 0 || part < 0 || part > whole {
		return Value{}
	}
	const decimals, one = 6, 1_000_000
	hi, lo := bits.Mul64(uint64(part), one)
	n, rest := bits.Div64(hi, lo, uint64(whole))
	if rest >= uint64(whole)-rest {
		n++
	}
	if n%one == 0 {
		return Value{strconv.FormatUint(n/one, 10), samples}
	}
	digits := strconv.FormatUint(n, 10)
	return Value{"0." + strings.TrimRight(strings.Repeat("0", decimals-len(digits))+digits, "0"), samples}
}
