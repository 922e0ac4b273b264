package rankings

// Board is what is ranked.
type Board string

// The boards.
const (
	Models   Board = "models"   // subjects are slugs
	Vendors  Board = "vendors"  // subjects are the ids of vendors
	Apps     Board = "apps"     // subjects are the ids of registered apps
	Referers Board = "referers" // subjects are addresses that callers without a registered app named; nobody has verified them
)

// Boards lists all boards.
func Boards() []Board { return []Board{Models, Vendors, Apps, Referers} }

// modelApps is how the apps of one model are stored.
const modelApps = "model_apps"

// subject is the expression of a board's subject, NULL or ” for what is not on the board; "" for an unknown board.
func (b Board) subject() string {
	switch b {
	case Models:
		return "u.model"
	case Vendors:
		return "u.vendor"
	case Apps:
		return "nullif(u.app_id, '00000000-0000-0000-0000-000000000000')::text"
	case Referers:
		return "u.app_url"
	}
	return ""
}

// Metric is what subjects are ranked by.
type Metric string

// The metrics.
const (
	Tokens Metric = "tokens" // prompt and completion, of all classes; vendors count them each in their own way
	Calls  Metric = "calls"  // that were charged
	Spend  Metric = "spend"  // what wallets in US dollars paid; others add nothing
)

// Metrics lists all metrics.
func Metrics() []Metric { return []Metric{Tokens, Calls, Spend} }
