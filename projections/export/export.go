// Package export writes a range of the log into files for people outside: every event as it is stored (for auditors and
// warehouses), or the journal, one row for each leg of each entry (for finance); as NDJSON, CSV or Parquet.
//
// A folder holds one export: parts of bounded size and, written last, manifest.json, which says what is in them. A part is
// written under a temporary name, flushed to the disk and renamed; after it progress.json says how far the export has
// come. A process that is killed at any moment leaves whole parts, and the same call continues after the last of them;
// an error leaves the same. Memory is bounded by batches, whatever the length of the range.
//
// The formats, field by field, are described in docs/audit.md; package audit/bundle reads them with code of its own.
package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Kind is what a row is.
type Kind string

// The kinds.
const (
	Events  Kind = "events"  // a row for each event, every column as it is stored
	Journal Kind = "journal" // a row for each leg of each event that moves money
)

// Format is how rows are written.
type Format string

// The formats.
const (
	NDJSON  Format = "ndjson" // one JSON object a line
	CSV     Format = "csv"    // RFC 4180, with a header; texts are guarded against being read as formulas
	Parquet Format = "parquet"
)

// ErrUnbalanced says that the export is whole, but the legs in it do not sum to zero: the ledger needs an audit.
var ErrUnbalanced = errors.New("the legs of the exported entries do not sum to zero")

// The bounds of a part. Whichever is reached first ends it.
const (
	DefaultPartEvents = 500_000
	DefaultPartBytes  = 512 << 20 // of event bodies, before compression
)

// Options of an export.
type Options struct {
	Kind   Kind
	Format Format
	Range  Range
	// Dir is the folder; it is made when it is missing. It is empty, or holds the same export, finished or not.
	Dir string
	// Registry decodes events, for the sums.
	Registry *domain.Registry
	// PartEvents and PartBytes bound a part; zero means the default.
	PartEvents, PartBytes int64
	// Workers is how many goroutines decode; zero means one a processor.
	Workers int
	// Progress, when set, is called after each batch with the number of events that are written and of all.
	Progress func(done, all int64)
}

func (o *Options) check() error {
	switch {
	case o.Kind == Events && (o.Format == NDJSON || o.Format == CSV || o.Format == Parquet):
	case o.Kind == Journal && (o.Format == CSV || o.Format == Parquet):
	default:
		return domain.Errorf(domain.CodeInvalid, "there is no export of %q as %q", o.Kind, o.Format)
	}
	if o.PartEvents < 0 || o.PartBytes < 0 {
		return domain.Errorf(domain.CodeInvalid, "a part has at least one event")
	}
	if o.PartEvents == 0 {
		o.PartEvents = DefaultPartEvents
	}
	if o.PartBytes == 0 {
		o.PartBytes = DefaultPartBytes
	}
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return nil
}

// Run writes the export, or continues it. An export that is finished already is left as it is and its manifest returned.
// Errors: invalid_request for options that fit neither each other nor what is in the folder; ErrUnbalanced, with the
// manifest; eventstore.ErrGap for a damaged log; else those of the disk and of the log. After an error the folder holds
// whole parts only, and the same call continues.
func Run(ctx context.Context, log eventstore.Reader, o Options) (*Manifest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	const enterable = 0o700
	if err := os.MkdirAll(o.Dir, enterable); err != nil {
		return nil, fmt.Errorf("make the export's folder: %w", err)
	}
	disk, err := openDisk(o.Dir)
	if err != nil {
		return nil, err
	}
	defer disk.close()
	return run(ctx, log, o, disk)
}

func run(ctx context.Context, log eventstore.Reader, o Options, disk folder) (*Manifest, error) {
	e := &exporter{options: o, disk: disk}
	finished, err := e.begin()
	if err != nil {
		return nil, err
	}
	if finished == nil {
		if err := e.write(ctx, log); err != nil {
			return nil, err
		}
		if finished, err = e.finish(); err != nil {
			return nil, err
		}
	}
	if total := finished.unbalanced(); total != nil {
		return finished, fmt.Errorf("%w: %s %s", ErrUnbalanced, total.Amount, total.Currency)
	}
	return finished, nil
}
