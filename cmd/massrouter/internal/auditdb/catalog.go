package auditdb

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/catalog"
)

// publication is a row of the catalogue's history, or what it should be.
type publication struct {
	position   int64
	recordedAt time.Time
	kind, id   string
	body       []byte
}

// publications compares the catalogue.
type publications struct{ rows *merge[publication] }

const publicationColumns = `position, recorded_at, kind, id, body::text`

func newCatalog(ctx context.Context, v *view) ([]comparer, error) {
	rows, err := newMerge(ctx, v, layout[publication]{
		name: v.table("_publications"), columns: publicationColumns, order: `position`,
		scan: func(r *row) publication {
			return publication{r.int64(0), r.time(1), r.text(2), r.text(3), r.bytes(4)}
		},
		position: func(p *publication) int64 { return p.position },
		key:      func(p *publication) string { return strconv.FormatInt(p.position, 10) },
		compare:  comparePublication,
	})
	if err != nil {
		return nil, err
	}
	return []comparer{&publications{rows: rows}}, nil
}

func (p *publications) tables() []Table { return []Table{p.rows.table()} }

func (p *publications) close() { p.rows.close() }

// Observe compares the row of a publication.
func (p *publications) Observe(_ context.Context, step *audit.Step) error {
	event, ok := step.Data.(catalog.Event)
	if !ok || !p.rows.view.covers(step) {
		return nil
	}
	want := publication{position: step.Row.Position, recordedAt: step.Row.RecordedAt}
	var body any
	switch e := event.(type) {
	case catalog.VendorPublished:
		want.kind, want.id, body = "vendor", e.ID, e.Vendor
	case catalog.ModelPublished:
		want.kind, want.id, body = "model", e.ID, e.Model
	case catalog.EndpointPublished:
		want.kind, want.id, body = "endpoint", e.ID, e.Endpoint
	case catalog.PricePublished:
		want.kind, want.id, body = "price", e.EndpointID, e.PriceVersion
	}
	var err error
	if want.body, err = json.Marshal(body); err != nil {
		p.rows.diff(&want).report(RowDiffers, "the publication cannot be compared: %v", err)
	}
	return p.rows.check(&want)
}

func comparePublication(d *diff, stored, want *publication) {
	d.time("recorded_at", stored.recordedAt, want.recordedAt)
	same(d, "kind", stored.kind, want.kind)
	same(d, "id", stored.id, want.id)
	d.json("body", stored.body, want.body)
}

// End reports rows that no event called for.
func (p *publications) End(context.Context, *audit.State) error { return p.rows.end() }
