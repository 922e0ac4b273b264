package commands

import (
	"context"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// PublishVendor publishes a vendor whole, or replaces it.
type PublishVendor struct{ catalog.Vendor }

// PublishVendor records the vendor.
func (a *App) PublishVendor(ctx context.Context, m Meta, c PublishVendor) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (PublishVendor) name() string { return "publish_vendor" }

func (c PublishVendor) streams() []domain.StreamID {
	return []domain.StreamID{catalog.VendorStream(c.ID)}
}

func (c PublishVendor) decide(d *executor.Decision) (Done, error) {
	e, err := state[*catalog.VendorState](d, catalog.VendorStream(c.ID)).Publish(c.Vendor)
	if err != nil {
		return Done{}, err
	}
	return Done{}, d.Append(catalog.VendorStream(c.ID), e)
}
