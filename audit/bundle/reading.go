package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/eventstore"
)

// reading hands over the events of all files, one after the other.
type reading struct {
	folders  []*opened
	workers  int
	findings *audit.Findings // belongs to the goroutine that reads
	whole    bool            // everything could be read
}

// format cuts a file into pieces that are read in parallel. What it reads one after the other it also hashes; a nil
// hash says that it reads here and there, and that the file was hashed before.
type format struct {
	cut     func(f *os.File, size int64, hashed hash.Hash) pieces
	hashing bool
}

func formats() map[string]format {
	return map[string]format{
		"ndjson":  {cutLines, true},
		"csv":     {cutRecords, true},
		"parquet": {cutRowGroups, false},
	}
}

// batches ends at the first file that cannot be read: what follows it could not be verified.
func (r *reading) batches(ctx context.Context) audit.Batches {
	return func(yield func([]eventstore.Event, error) bool) {
		for _, folder := range r.folders {
			for i := range folder.manifest.Files {
				name := folder.dir + "/" + folder.manifest.Files[i].Name
				more, err := r.file(ctx, folder, &folder.manifest.Files[i], name, yield)
				if err != nil {
					r.whole = false
					yield(nil, err)
					return
				}
				if !more {
					r.whole = false
					return
				}
			}
		}
	}
}

// file hands over the events of one file. more says whether those of the next may follow; the error is the context's.
func (r *reading) file(ctx context.Context, folder *opened, stated *listed, name string, yield func([]eventstore.Event, error) bool) (more bool, err error) {
	f, size, err := open(folder.root, stated.Name)
	if err != nil {
		code := FileUnreadable
		if errors.Is(err, fs.ErrNotExist) {
			code = FileMissing
		}
		r.findings.Addf(stated.FirstPosition, code, name, "%v", err)
		return false, nil
	}
	defer func() { _ = f.Close() }() // nothing was written
	kind := formats()[folder.manifest.Format]
	hashed := sha256.New()
	if !kind.hashing {
		if _, err := io.Copy(hashed, f); err != nil {
			r.findings.Addf(stated.FirstPosition, FileUnreadable, name, "%v", err)
			return false, nil
		}
		r.compare(stated, name, hashed, size)
	}
	rows, stopped := int64(0), false
	for events, err := range eventstore.InOrder(ctx, kind.cut(f, size, hashed), r.workers, newReading) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		rows += int64(len(events))
		if len(events) > 0 && !yield(events, nil) {
			return false, nil
		}
		if err != nil {
			position := stated.FirstPosition + rows
			r.findings.Addf(position, FileUnreadable, name, "row %d, which is position %d: %v; nothing after it was verified", rows+1, position, err)
			stopped = true
			break
		}
	}
	if kind.hashing {
		if _, err := io.Copy(hashed, f); err != nil { // what is left after a row that cannot be read
			r.findings.Addf(stated.FirstPosition, FileUnreadable, name, "%v", err)
			return false, nil
		}
		r.compare(stated, name, hashed, size)
	}
	if !stopped && rows != stated.Rows {
		r.findings.Addf(stated.FirstPosition, ManifestMismatch, name, "it has %d rows, the manifest states %d", rows, stated.Rows)
	}
	return !stopped, nil
}

// open opens a regular file; anything else, a pipe for example, could keep the reader waiting.
func open(root *os.Root, name string) (*os.File, int64, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is no regular file")
	}
	f, err := root.Open(name)
	return f, info.Size(), err
}

// compare reports a file that has other bytes than the manifest states.
func (r *reading) compare(stated *listed, name string, hashed hash.Hash, size int64) {
	got := hex.EncodeToString(hashed.Sum(nil))
	if got == stated.SHA256 && size == stated.Bytes {
		return
	}
	r.findings.Addf(0, FileHash, name, "%s", fmt.Sprintf("the file was changed: SHA-256 %s of %d bytes, the manifest states %s of %d",
		got, size, stated.SHA256, stated.Bytes))
}
