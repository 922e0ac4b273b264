package usage

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/massrouter/massrouter/projections/page"
)

const cursorKind = "usage"

// Page is a part of the list of all groups. Rows has the groups of this page, and at last the row of all others, so that the
// rows of each page add up to Total.
type Page struct {
	Table
	NextCursor string // "" on the last page
}

// List reads all groups, page by page, by rank. All pages are of the position of the first, whatever happens meanwhile; a cursor
// goes with the request that it came from. Top has no meaning. Errors: invalid_request with the detail "field",
// ledger_unavailable.
func (q *Query) List(ctx context.Context, r Request, cursor string, limit int) (Page, error) {
	limit, err := page.Limit(limit)
	if err != nil {
		return Page{}, invalid("limit", "limit is between 1 and 1000")
	}
	r.Top = 0
	now := time.Now()
	var origin, low int64
	if cursor != "" {
		keys, err := page.Decode(cursorKind, cursor, 5)
		if err != nil || keys[0] < 1 || keys[2] < 0 || keys[2] > 1<<40 {
			return Page{}, invalid("cursor", "the cursor is not one that this list gave")
		}
		origin, low = keys[1], keys[2]
		if r.From.IsZero() {
			r.From = time.Unix(keys[3], 0)
		}
		if r.To.IsZero() {
			r.To = time.Unix(keys[4], 0)
		}
		r.AsOfPosition, r.AsOf, r.MinPosition = keys[0], time.Time{}, 0
	}
	asked, err := r.check(now)
	if err != nil {
		return Page{}, err
	}
	own, err := asked.fingerprint()
	if err != nil {
		return Page{}, err
	}
	if len(asked.Dimensions) == 0 {
		return Page{}, invalid("dimensions", "a list of groups has a dimension")
	}
	if cursor != "" && own != origin {
		return Page{}, invalid("cursor", "the cursor is of another request")
	}
	asked.low, asked.high = low, low+int64(limit)
	t, err := q.table(ctx, asked)
	if err != nil {
		return Page{}, err
	}
	p := Page{Table: t}
	if asked.high < t.Groups {
		p.NextCursor = page.Encode(cursorKind, t.Position, own, asked.high, asked.From.Unix(), asked.To.Unix())
	}
	return p, nil
}

// fingerprint stands for everything that decides the list's rows and order, but its moment.
func (q *question) fingerprint() (int64, error) {
	body, err := json.Marshal([]any{q.Filter, q.Dimensions, q.OrderBy})
	if err != nil {
		return 0, fmt.Errorf("write the request: %w", err)
	}
	h := fnv.New64a()
	_, _ = h.Write(body) // it never fails
	return int64(binary.BigEndian.Uint64(h.Sum(nil)) >> 1), nil
}
