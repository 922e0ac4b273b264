package export

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/massrouter/massrouter/eventstore"
)

// exporter is one run. Its state is that after the last whole part, but for what a part under way has added.
type exporter struct {
	options  Options
	disk     folder
	manifest Manifest
	sums     sums
	tree     tree
	next     int64 // position of the next event to write
	part     *part
}

// encoder writes rows in one format.
type encoder interface {
	// write appends the rows of some events and says how many there were.
	write(events []decoded) (rows int64, err error)
	// close writes what is still to be written; not the file under it.
	close() error
}

// part is a file that is being written.
type part struct {
	File
	bodies int64
	file   file
	buffer *bufio.Writer
	hash   hash.Hash
	enc    encoder
	events int64
}

// Write counts and hashes what goes to the file.
func (p *part) Write(b []byte) (int, error) {
	n, err := p.buffer.Write(b)
	p.Bytes += int64(n)
	_, _ = p.hash.Write(b[:n]) // a hash takes everything
	return n, err
}

// write exports all that is left of the range.
func (e *exporter) write(ctx context.Context, log eventstore.Reader) (err error) {
	defer func() {
		if e.part != nil {
			err = errors.Join(err, e.abandon())
		}
	}()
	for events, err := range decodeAll(ctx, e.batches(ctx, log), e.options.Registry, e.options.Workers) {
		if err != nil {
			return err
		}
		if err := e.add(events); err != nil {
			return err
		}
		if e.options.Progress != nil {
			e.options.Progress(e.next-e.manifest.FirstPosition, e.manifest.LastPosition-e.manifest.FirstPosition+1)
		}
	}
	return e.end()
}

// add writes events, cut where a part is full.
func (e *exporter) add(events []decoded) error {
	for len(events) > 0 {
		if e.part == nil {
			if err := e.start(); err != nil {
				return err
			}
		}
		n := 0
		for n < len(events) && e.part.events < e.options.PartEvents && e.part.bodies < e.options.PartBytes {
			if err := e.account(&events[n]); err != nil {
				return err
			}
			n++
		}
		rows, err := e.part.enc.write(events[:n])
		if err != nil {
			return fmt.Errorf("write %s: %w", e.part.Name, err)
		}
		e.part.Rows += rows
		if e.part.events >= e.options.PartEvents || e.part.bodies >= e.options.PartBytes {
			if err := e.end(); err != nil {
				return err
			}
		}
		events = events[n:]
	}
	return nil
}

// account adds an event to the sums and to the tree.
func (e *exporter) account(d *decoded) error {
	row, m := d.row, &e.manifest
	if m.Events == 0 {
		m.Shard, m.FirstRecordedAt = row.Shard, row.RecordedAt.UTC()
	}
	if row.Shard != m.Shard {
		return fmt.Errorf("position %d is of shard %d, the export of shard %d", row.Position, row.Shard, m.Shard)
	}
	m.LastRecordedAt = row.RecordedAt.UTC()
	m.Events++
	e.sums.add(d.currency, d.entry)
	e.part.events++
	e.part.bodies += int64(len(row.Body))
	e.part.LastPosition = row.Position
	e.next = row.Position + 1
	return e.tree.add(row.LeafHash)
}

const writeBuffer = 256 << 10

func (e *exporter) start() error {
	p := &part{File: File{Name: e.partName(e.next), FirstPosition: e.next}, hash: sha256.New()}
	var err error
	if p.file, err = e.disk.create(temporary(p.Name)); err != nil {
		return fmt.Errorf("create %s: %w", p.Name, err)
	}
	p.buffer = bufio.NewWriterSize(p.file, writeBuffer)
	e.part = p
	if p.enc, err = e.options.encoder(p); err != nil {
		return fmt.Errorf("write %s: %w", p.Name, err)
	}
	return nil
}

// end makes the part under way whole.
func (e *exporter) end() error {
	p := e.part
	if p == nil {
		return nil
	}
	e.part = nil
	err := p.enc.close()
	if err == nil {
		err = p.buffer.Flush()
	}
	if err := place(e.disk, p.file, p.Name, err); err != nil {
		return err
	}
	p.SHA256 = hex.EncodeToString(p.hash.Sum(nil))
	e.manifest.Files = append(e.manifest.Files, p.File)
	e.manifest.Rows += p.Rows
	return e.save()
}

// abandon removes the part under way; the next run writes it again.
func (e *exporter) abandon() error {
	p := e.part
	e.part = nil
	_ = p.file.Close() // it is removed
	if err := e.disk.remove(temporary(p.Name)); err != nil {
		return fmt.Errorf("remove %s: %w", temporary(p.Name), err)
	}
	return nil
}

// encoder makes the one for a new file.
func (o *Options) encoder(w io.Writer) (encoder, error) {
	switch {
	case o.Kind == Journal && o.Format == Parquet:
		return newParquetJournal(w), nil
	case o.Kind == Journal:
		return newCSVJournal(w)
	case o.Format == Parquet:
		return newParquetEvents(w), nil
	case o.Format == CSV:
		return newCSVEvents(w)
	}
	return newNDJSONEvents(w), nil
}
