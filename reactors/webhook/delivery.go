package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/projections/page"
)

// The states of a delivery.
const (
	StatePending   = "pending"
	StateDelivered = "delivered"
	StateFailed    = "failed" // given up
)

// filters are the conditions of a list, by state. They are written out so that each has its index.
func filters() map[string]string {
	return map[string]string{
		"": "", StatePending: ` AND state = 'pending'`, StateDelivered: ` AND state = 'delivered'`, StateFailed: ` AND state = 'failed'`,
	}
}

// Delivery is one message for one webhook.
type Delivery struct {
	ID         uuid.UUID // the header webhook-id
	WebhookID  uuid.UUID
	Type       Type
	Position   int64 // 0 of a ping
	EventAt    time.Time
	State      string
	Attempts   int       // ever
	NextAt     time.Time // of the next attempt, at the earliest; zero unless it is pending
	GiveUpAt   time.Time // of the last one
	FinishedAt time.Time // zero while it is pending
	Status     int       // of the last answer; 0 without one
	Error      string    // class of the last attempt's error; see ErrorStatus and the others
	ReplayedBy string
	Body       []byte    // what is sent; of Registry.Delivery only
	Tried      []Attempt // the same; the newest MaxAttempts, the oldest of them first
}

// Attempt is one request.
type Attempt struct {
	Number    int
	StartedAt time.Time
	Took      time.Duration
	Status    int    // 0 without an answer
	Error     string // "" when it was delivered
}

// MaxAttempts is how many attempts of a delivery are shown.
const MaxAttempts = 200

// DeliveriesRequest filters and pages. The zero value of each means all.
type DeliveriesRequest struct {
	State    string
	Type     Type
	From, To time.Time // of the event; From inclusive, To exclusive
	Cursor   string
	Limit    int // 0 means 50
}

// DeliveryPage is a page of deliveries, those made last first.
type DeliveryPage struct {
	Deliveries []Delivery
	NextCursor string // "" on the last page
}

const (
	listName       = "webhook-deliveries"
	selectDelivery = `SELECT seq, id, webhook_id, type, coalesce(position, 0), event_at, state, attempts, due_at, give_up_at,
		coalesce(finished_at, '0001-01-01'), coalesce(status, 0), error, replayed_by `
)

// Deliveries lists deliveries of a webhook. Errors: not_found, invalid_request with the detail "field".
func (r *Registry) Deliveries(ctx context.Context, id uuid.UUID, q DeliveriesRequest) (DeliveryPage, error) {
	n, err := page.Limit(q.Limit)
	if err != nil {
		return DeliveryPage{}, err
	}
	filter, ok := filters()[q.State]
	if !ok {
		return DeliveryPage{}, invalid("state", "state is pending, delivered or failed")
	}
	if q.Type != "" && q.Type != TypePing && !known(q.Type) {
		return DeliveryPage{}, invalid("type", "type is none that exists")
	}
	from, to, err := page.Range(q.From, q.To)
	if err != nil {
		return DeliveryPage{}, err
	}
	before := int64(1<<63 - 1)
	if q.Cursor != "" {
		keys, err := page.Decode(listName, q.Cursor, 1)
		if err != nil {
			return DeliveryPage{}, err
		}
		before = keys[0]
	}
	if _, err := r.Webhook(ctx, id); err != nil {
		return DeliveryPage{}, err
	}
	rows, err := wall.Query(ctx, r.pool, selectDelivery+`FROM webhooks.deliveries WHERE webhook_id = $1 AND seq < $2
		AND ($3 = '' OR type = $3) AND ($4::timestamptz IS NULL OR event_at >= $4) AND ($5::timestamptz IS NULL OR event_at < $5)`+
		filter+` ORDER BY seq DESC LIMIT $6`, id, before, string(q.Type), from, to, n+1)
	if err != nil {
		return DeliveryPage{}, safe(ctx, "list deliveries", err)
	}
	p, err := paged(rows, n)
	return p, safe(ctx, "list deliveries", err)
}

func paged(rows pgx.Rows, n int) (p DeliveryPage, err error) {
	var seqs []int64
	p.Deliveries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Delivery, error) {
		d, seq, err := scanDelivery(row)
		seqs = append(seqs, seq)
		return d, err
	})
	if err != nil {
		return DeliveryPage{}, err
	}
	if len(p.Deliveries) > n {
		p.Deliveries, p.NextCursor = p.Deliveries[:n], page.Encode(listName, seqs[n-1])
	}
	return p, nil
}

func scanDelivery(row pgx.CollectableRow) (d Delivery, seq int64, err error) {
	var kind string
	err = row.Scan(&seq, &d.ID, &d.WebhookID, &kind, &d.Position, &d.EventAt, &d.State, &d.Attempts, &d.NextAt, &d.GiveUpAt, &d.FinishedAt,
		&d.Status, &d.Error, &d.ReplayedBy)
	d.Type = Type(kind)
	if d.State != StatePending {
		d.NextAt = time.Time{}
	}
	utc(&d.EventAt, &d.NextAt, &d.GiveUpAt, &d.FinishedAt)
	return d, seq, err
}

// Delivery shows a delivery of a webhook with its attempts. Errors: not_found, ledger_unavailable.
func (r *Registry) Delivery(ctx context.Context, webhook, id uuid.UUID) (Delivery, error) {
	rows, err := wall.Query(ctx, r.pool, selectDelivery+`FROM webhooks.deliveries d WHERE id = $1 AND webhook_id = $2
		AND EXISTS (SELECT FROM webhooks.webhooks w WHERE w.id = d.webhook_id)`, id, webhook)
	if err != nil {
		return Delivery{}, safe(ctx, "read a delivery", err)
	}
	d, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Delivery, error) {
		d, _, err := scanDelivery(row)
		return d, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Delivery{}, domain.Errorf(domain.CodeNotFound, "no such delivery")
	}
	if err == nil {
		err = r.tried(ctx, &d)
	}
	return d, safe(ctx, "read a delivery", err)
}

func (r *Registry) tried(ctx context.Context, d *Delivery) error {
	rows, err := wall.Query(ctx, r.pool, `SELECT body FROM webhooks.deliveries WHERE id = $1`, d.ID)
	if err == nil {
		d.Body, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]byte])
	}
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	rows, err = wall.Query(ctx, r.pool, `SELECT number, started_at, duration_ms, coalesce(status, 0), error FROM webhooks.attempts
		WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2`, d.ID, MaxAttempts)
	if err != nil {
		return fmt.Errorf("read the attempts: %w", err)
	}
	d.Tried, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attempt, err error) {
		var ms int64
		err = row.Scan(&a.Number, &a.StartedAt, &ms, &a.Status, &a.Error)
		a.Took = time.Duration(ms) * time.Millisecond
		utc(&a.StartedAt)
		return a, err
	})
	slices.Reverse(d.Tried)
	return err
}
