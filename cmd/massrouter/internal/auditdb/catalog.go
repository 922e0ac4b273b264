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
type publications struct {
	rows *merge[publication]
	done []Table
}

const publicationsSQL = `SELECT position, recorded_at, kind, id, body::text FROM views.catalog_publications_v1 ORDER BY position`

func newCatalog(ctx context.Context, v *view) ([]comparer, error) {
	rows, err := newMerge(ctx, v, v.table("_publications"), publicationsSQL, func(r *row) publication {
		return publication{r.int64(0), r.time(1), r.text(2), r.text(3), r.bytes(4)}
	}, func(p publication) int64 { return p.position }, publication.name)
	if err != nil {
		return nil, err
	}
	return []comparer{&publications{rows: rows}}, nil
}

func (p publication) name() string { return strconv.FormatInt(p.position, 10) }

func (p *publications) tables() []Table { return p.done }

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
	stored, found, err := p.rows.next(want.position, want.name)
	if err != nil || !found {
		return err
	}
	d := p.rows.view.diff(want.position, p.rows.name, want.name)
	if want.body, err = json.Marshal(body); err != nil {
		d.report(RowDiffers, "the publication cannot be compared: %v", err)
	}
	d.time("recorded_at", stored.recordedAt, want.recordedAt)
	same(d, "kind", stored.kind, want.kind)
	same(d, "id", stored.id, want.id)
	d.json("body", stored.body, want.body)
	return nil
}

// End reports rows that no event called for.
func (p *publications) End(context.Context, *audit.State) error {
	table, err := p.rows.end()
	p.done = []Table{table}
	return err
}
