package bundle

import (
	"context"
	"os"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// ReadAll reads all events of a folder, and says what is wrong with the files.
func ReadAll(ctx context.Context, dir string, workers int) ([]eventstore.Event, []audit.Finding, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }()
	m, err := readManifest(root)
	if err != nil {
		return nil, nil, err
	}
	r := &reading{folders: []*opened{{dir: dir, manifest: m, root: root}}, workers: workers, findings: audit.NewFindings(0), whole: true}
	var all []eventstore.Event
	for events, err := range r.batches(ctx) {
		if err != nil {
			return nil, nil, err
		}
		all = append(all, events...)
	}
	return all, r.findings.First(), nil
}

// The decoders of files that come from outside.
var (
	ReadLines      = readLines
	ReadRecords    = readRecords
	DecodeManifest = decodeManifest
	LastRecord     = lastRecord
)

// ReadParquet reads all events of a Parquet file.
func ReadParquet(name string) ([]eventstore.Event, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	groups, err := rowGroups(f, info.Size())
	var all []eventstore.Event
	for _, group := range groups {
		var events []eventstore.Event
		if events, err = readRowGroup(group); err != nil {
			break
		}
		all = append(all, events...)
	}
	return all, err
}
