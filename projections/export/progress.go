package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// progress is an export that is under way: the manifest of what is whole, and what the rest is computed from.
type progress struct {
	Manifest Manifest            `json:"manifest"` // LastPosition is that of the whole range
	Hashes   map[int64]tlog.Hash `json:"hashes"`   // the tree's
}

// begin looks at what is in the folder. It returns the manifest of an export that is finished; else the exporter
// stands where the next part begins.
func (e *exporter) begin() (*Manifest, error) {
	names, err := e.disk.list()
	if err != nil {
		return nil, fmt.Errorf("list the export's folder: %w", err)
	}
	if slices.Contains(names, ManifestName) {
		return e.finished(names)
	}
	e.fresh()
	b, err := e.read(progressName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, name := range names {
			if name != temporary(progressName) {
				return nil, domain.Errorf(domain.CodeInvalid, "the folder is not empty: %s is in it; export to a new one", name)
			}
		}
		return nil, e.save()
	case err != nil:
		return nil, err
	}
	if err := e.resume(b); err != nil {
		return nil, err
	}
	return nil, e.clean(names)
}

func (e *exporter) fresh() {
	o := &e.options
	e.sums = sums{}
	e.manifest = Manifest{
		Version: Version, Kind: o.Kind, Format: o.Format, Period: o.Range.Period,
		FirstPosition: o.Range.First, LastPosition: o.Range.Last, Files: []File{},
	}
	e.next = o.Range.First
}

// finished is the manifest of an export that is done already.
func (e *exporter) finished(names []string) (*Manifest, error) {
	b, err := e.read(ManifestName)
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, err
	}
	if err := e.sameAs(m); err != nil {
		return nil, err
	}
	if slices.Contains(names, progressName) { // the last step was not taken
		if err := e.disk.remove(progressName); err != nil {
			return nil, fmt.Errorf("remove %s: %w", progressName, err)
		}
	}
	return m, nil
}

// resume takes over what an earlier run has finished, after a look at every byte of it.
func (e *exporter) resume(b []byte) error {
	var was progress
	if err := json.Unmarshal(b, &was); err != nil {
		return fmt.Errorf("read %s: %w", progressName, err)
	}
	if err := e.sameAs(&was.Manifest); err != nil {
		return err
	}
	for i := range was.Manifest.Files {
		if err := e.verify(&was.Manifest.Files[i]); err != nil {
			return err
		}
	}
	var err error
	if e.sums, err = sumsFrom(was.Manifest.Sums); err != nil {
		return err
	}
	e.manifest = was.Manifest
	e.tree = tree{size: was.Manifest.Tree.Size, hashes: was.Hashes}
	e.next = was.Manifest.FirstPosition + was.Manifest.Tree.Size
	return nil
}

// sameAs refuses to go on with another export.
func (e *exporter) sameAs(m *Manifest) error {
	r := e.options.Range
	same := m.Version == Version && m.Kind == e.options.Kind && m.Format == e.options.Format && m.FirstPosition == r.First &&
		(m.LastPosition == r.Last || r.OpenEnd && m.LastPosition <= r.Last) && samePeriod(m.Period, r.Period)
	if !same {
		return domain.Errorf(domain.CodeInvalid, "the folder holds another export: %s as %s, positions %d to %d; export to a new one",
			m.Kind, m.Format, m.FirstPosition, m.LastPosition)
	}
	return nil
}

func samePeriod(a, b *Period) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.From.Equal(b.From) && a.To.Equal(b.To)
}

// verify compares a part with its hash.
func (e *exporter) verify(f *File) (err error) {
	r, err := e.disk.open(f.Name)
	if err != nil {
		return fmt.Errorf("read %s again: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return fmt.Errorf("read %s again: %w", f.Name, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s is not as it was written: begin again in a new folder", f.Name)
	}
	return nil
}

// clean removes what a run that was killed left of the part that it was writing.
func (e *exporter) clean(names []string) error {
	whole := map[string]bool{progressName: true}
	for i := range e.manifest.Files {
		whole[e.manifest.Files[i].Name] = true
	}
	for _, name := range names {
		own := strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".partial") || name == e.partName(e.next)
		switch {
		case whole[name]:
		case !own:
			return domain.Errorf(domain.CodeInvalid, "%s is not of this export; export to a new folder", name)
		default:
			if err := e.disk.remove(name); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
		}
	}
	return nil
}

func (e *exporter) partName(first int64) string {
	return fmt.Sprintf("%s-%012d.%s", e.options.Kind, first, e.options.Format)
}

func (e *exporter) read(name string) (b []byte, err error) {
	r, err := e.disk.open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var buffer bytes.Buffer
	if _, err := buffer.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return buffer.Bytes(), nil
}

// save writes down how far the export has come.
func (e *exporter) save() error {
	e.manifest.Sums, e.manifest.Totals = e.sums.listed()
	e.manifest.Tree.Size = e.tree.size
	b, err := indented(progress{Manifest: e.manifest, Hashes: e.tree.hashes})
	if err != nil {
		return err
	}
	return writeWhole(e.disk, progressName, b)
}

// finish writes the manifest. With it the export exists.
func (e *exporter) finish() (*Manifest, error) {
	m := e.manifest
	root, err := e.tree.root()
	if err != nil {
		return nil, err
	}
	m.Sums, m.Totals = e.sums.listed()
	m.Tree = Tree{Of: "range", Size: e.tree.size, Root: root}
	if m.FirstPosition == 1 {
		m.Tree.Of = "log"
	}
	if m.Events != m.LastPosition-m.FirstPosition+1 {
		return nil, fmt.Errorf("%d events were written for the positions %d to %d", m.Events, m.FirstPosition, m.LastPosition)
	}
	b, err := m.encode()
	if err != nil {
		return nil, err
	}
	if err := writeWhole(e.disk, ManifestName, b); err != nil {
		return nil, err
	}
	if err := e.disk.remove(progressName); err != nil {
		return nil, fmt.Errorf("remove %s: %w", progressName, err)
	}
	return &m, nil
}

// unbalanced is a sum by currency that is not zero; nil when there is none.
func (m *Manifest) unbalanced() *Sum {
	for i := range m.Totals {
		if m.Totals[i].Amount != money.Zero().String() {
			return &m.Totals[i]
		}
	}
	return nil
}
