package audit

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// inspected is a row with what can be said of it without the rows before it.
type inspected struct {
	row      *eventstore.Event
	data     domain.Event // nil when the body does not decode
	leaf     [32]byte
	currency money.Currency // with the entry, when the event moves money
	entry    money.Entry
	findings []Finding
	parts    Documents
}

// inspector is one worker.
type inspector struct {
	registry  *domain.Registry
	documents bool // whether somebody wants them
	buffer    []byte
}

func (in *inspector) inspect(e *inspected) {
	e.leaf, in.buffer = leafHash(in.buffer, e.row)
	if e.leaf != e.row.LeafHash {
		e.add(LeafMismatch, "the row was changed: its hash is %x, the stored one %x", e.leaf[:6], e.row.LeafHash[:6])
	}
	e.checkEventID()
	if want := "v" + strconv.Itoa(int(e.row.SchemaVersion)); e.row.Type[strings.LastIndexByte(e.row.Type, '.')+1:] != want {
		e.add(SchemaVersion, "schema version %d of an event of type %s", e.row.SchemaVersion, e.row.Type)
	}
	data, err := in.registry.Decode(e.row.Type, e.row.Body)
	if err != nil {
		e.add(EventUndecodable, "%v", err)
		return
	}
	if !belongs(data, e.row.StreamID) {
		e.add(StreamForeign, "an event of type %s that is of another stream", e.row.Type)
	}
	e.data = data
	if in.documents {
		switch data.(type) {
		case wallet.UsageCharged, wallet.HoldReleased:
			e.parts = documentsOf(e.row.Body)
		}
	}
	if moved, ok := data.(wallet.Posting); ok {
		e.currency, e.entry = moved.Posting()
		e.checkEntry(moved)
	}
}

// checkEventID wants a UUID of version 7 that carries the recorded time in milliseconds.
func (e *inspected) checkEventID() {
	ms := int64(0)
	for _, b := range e.row.EventID[:6] {
		ms = ms<<8 | int64(b)
	}
	if e.row.EventID[6]>>4 != 7 || e.row.EventID[8]>>6 != 2 || ms != e.row.RecordedAt.UnixMilli() {
		e.add(EventIDTime, "the event id %s does not carry the recorded time", e.row.EventID)
	}
}

// belongs says whether an event may stand in a stream: the kind of both is the same, and so is the identity where the
// event has one.
func belongs(data domain.Event, stream domain.StreamID) bool {
	kind, identity := stream.Kind(), stream.Identity()
	switch data := data.(type) {
	case wallet.Event:
		opened, ok := data.(wallet.Opened)
		return kind == "wallet" && (!ok || opened.WalletID.String() == identity)
	case apikey.Event:
		return kind == "apikey" && keyOf(data).String() == identity
	case app.Event:
		return kind == "app" && appOf(data).String() == identity
	case catalog.VendorPublished:
		return kind == "vendor" && data.ID == identity
	case catalog.ModelPublished:
		return kind == "model" && data.ID == identity
	case catalog.EndpointPublished:
		return kind == "endpoint" && data.ID == identity
	case catalog.PricePublished:
		return kind == "endpoint" && data.EndpointID == identity
	case charge.Corrected:
		return kind == "charge" && data.GenerationID.String() == identity
	case charge.Reviewed:
		return kind == "charge" && data.GenerationID.String() == identity
	}
	return false
}

// keyOf is the key that an event is about.
func keyOf(event apikey.Event) domain.CommandID {
	switch e := event.(type) {
	case apikey.Issued:
		return e.KeyID
	case apikey.Updated:
		return e.KeyID
	case apikey.Rotated:
		return e.KeyID
	case apikey.Disabled:
		return e.KeyID
	case apikey.Enabled:
		return e.KeyID
	case apikey.Revoked:
		return e.KeyID
	case apikey.AppBound:
		return e.KeyID
	}
	return domain.CommandID{}
}

func (e *inspected) add(code Code, format string, args ...any) {
	one := NewFindings(1)
	one.Addf(e.row.Position, code, string(e.row.StreamID), format, args...)
	e.findings = append(e.findings, one.first...)
}
