// Package catalog is the read model of what can be called and what it costs, with its history.
package catalog

import (
	"encoding/json"
	"fmt"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "catalog"
	Version = 1
)

const kindPrice = "price"

// Projection writes the catalog view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string { return []string{"views.catalog_publications_v1"} }

const insertPublications = `INSERT INTO views.catalog_publications_v1 (position, recorded_at, kind, id, body)
	SELECT position, recorded_at, kind, id, body::jsonb
	FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[]) AS t(position, recorded_at, kind, id, body)`

type rows struct {
	position       column.Ints
	recordedAt     column.Times
	kind, id, body column.Texts
}

func (r *rows) add(e *runner.Event, kind, id string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", kind, id, err)
	}
	r.position.Add(e.Position)
	r.recordedAt.Add(e.RecordedAt)
	r.kind.Add(kind)
	r.id.Add(id)
	r.body.Add(string(text))
	return nil
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	var r rows
	for i := range events {
		event, ok := events[i].Data.(catalog.Event)
		if !ok {
			continue
		}
		var err error
		switch e := event.(type) {
		case catalog.VendorPublished:
			err = r.add(&events[i], catalog.KindVendor, e.ID, e.Vendor)
		case catalog.ModelPublished:
			err = r.add(&events[i], catalog.KindModel, e.ID, e.Model)
		case catalog.EndpointPublished:
			err = r.add(&events[i], catalog.KindEndpoint, e.ID, e.Endpoint)
		case catalog.PricePublished:
			err = r.add(&events[i], kindPrice, e.EndpointID, e.PriceVersion)
		}
		if err != nil {
			return err
		}
	}
	w.Add(r.position.Len(), insertPublications, &r.position, &r.recordedAt, &r.kind, &r.id, &r.body)
	return nil
}
