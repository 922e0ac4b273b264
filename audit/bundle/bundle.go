// Package bundle verifies exported files of the log offline: folders with manifest.json and files of events, as
// massrouter export events writes them. It needs no database and no network, and reads the formats with code of its own.
//
// It checks that the manifest is as it was written, that each file has the stated bytes (SHA-256) and rows, and hands
// every event to package audit; then it compares the manifest's positions, times, sums and Merkle root with what the
// events amount to. Several folders whose ranges join are verified as one log; when the first begins at position 1,
// everything that package audit can check is checked, else what needs the events before is left out and the report says
// so.
//
// Files are read once, from beginning to end (Parquet twice), in memory that does not grow with them.
package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
)

// What can be wrong with the files, besides what can be wrong with the log.
const (
	ManifestInvalid  audit.Code = "manifest_invalid"  // it is missing, was changed, or says what cannot be
	ManifestMismatch audit.Code = "manifest_mismatch" // the events amount to something else
	RangesApart      audit.Code = "ranges_apart"      // the folders do not join
	FileMissing      audit.Code = "file_missing"
	FileUnknown      audit.Code = "file_unknown"    // a file that the manifest does not list
	FileHash         audit.Code = "file_hash"       // the bytes are not those of the manifest
	FileUnreadable   audit.Code = "file_unreadable" // from here on nothing of the log could be verified
	CheckpointWrong  audit.Code = "checkpoint_mismatch"
)

// CheckpointName is the file of a folder that holds a signed checkpoint, when there is one.
const CheckpointName = "checkpoint"

// Options of a run.
type Options struct {
	// Dirs are the folders; their order does not matter.
	Dirs     []string
	Registry *domain.Registry
	Keep     int // how many findings of each source to keep; all are counted; 0 means 100
	Workers  int // goroutines that read, hash and decode; 0 means one a processor
	// Key verifies signatures. When it is set, at least one folder must have a checkpoint that the key signed, of a size
	// that the folders reach, and its root must be that of the events.
	Key note.Verifier
	// Progress, when set, is told now and then how many events are verified, and of how many.
	Progress func(done, all int64)
}

// Report is what the files hold, and what is wrong with them.
type Report struct {
	OK bool `json:"ok"`
	// Complete says that the events begin at position 1, so that everything could be checked.
	Complete    bool          `json:"complete"`
	Folders     []Folder      `json:"folders"`
	Checkpoints []int64       `json:"checkpoints,omitempty"` // sizes of the signed checkpoints that hold
	Log         *audit.Report `json:"log"`
}

// Folder is one folder that was read.
type Folder struct {
	Dir           string      `json:"dir"`
	Format        string      `json:"format"`
	FirstPosition int64       `json:"first_position"`
	LastPosition  int64       `json:"last_position"`
	Files         int         `json:"files"`
	Root          string      `json:"root"` // as the manifest states it
	Sums          []audit.Sum `json:"sums"` // of the legs in it, as computed
}

// opened is a folder under way.
type opened struct {
	dir      string
	manifest *manifest
	root     *os.Root
}

// Verify reads the folders. The error says that they could not be read at all; what is wrong with them is in the report.
func Verify(ctx context.Context, o Options) (*Report, error) {
	if o.Workers < 1 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if len(o.Dirs) == 0 {
		return nil, errors.New("no folder was given")
	}
	findings := audit.NewFindings(o.Keep)
	folders, err := openAll(o.Dirs, findings)
	defer func() {
		for _, f := range folders {
			_ = f.root.Close() // nothing was written
		}
	}()
	if err != nil {
		return nil, err
	}
	if len(folders) < len(o.Dirs) { // without a manifest nobody knows what a folder should hold
		return conclude(&Report{Log: &audit.Report{}}, findings), nil
	}
	return verify(ctx, &o, folders, findings)
}

func verify(ctx context.Context, o *Options, folders []*opened, findings *audit.Findings) (*Report, error) {
	joined(folders, findings)
	w := &watcher{options: o, folders: folders, findings: findings}
	if err := w.openCheckpoints(); err != nil {
		return nil, err
	}
	ofLog, ofFiles := audit.NewFindings(o.Keep), audit.NewFindings(o.Keep)
	files := &reading{folders: folders, workers: o.Workers, findings: ofFiles, whole: true}
	after := folders[0].manifest.FirstPosition - 1
	log, err := audit.Verify(ctx, files.batches(ctx), audit.Options{
		Registry: o.Registry, Findings: ofLog, Workers: o.Workers, Observers: []audit.Observer{w}, After: after,
	})
	if err != nil {
		return nil, err
	}
	w.finish(files.whole)
	report := &Report{Complete: after == 0, Folders: w.done, Checkpoints: w.held, Log: log}
	return conclude(report, findings, ofFiles, ofLog), nil
}

// conclude puts the findings together: those about the files stand before those about events.
func conclude(r *Report, lists ...*audit.Findings) *Report {
	r.Log.Findings, r.Log.FindingCount, r.Log.FindingCodes = nil, 0, map[audit.Code]int64{}
	for _, list := range lists {
		r.Log.Findings = append(r.Log.Findings, list.First()...)
		r.Log.FindingCount += list.Total()
		for code, n := range list.ByCode() {
			r.Log.FindingCodes[code] += n
		}
	}
	r.OK = r.Log.FindingCount == 0
	return r
}

// openAll opens the folders and reads their manifests, in the order of their positions.
func openAll(dirs []string, findings *audit.Findings) (folders []*opened, err error) {
	for _, dir := range dirs {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return folders, fmt.Errorf("open the folder: %w", err)
		}
		m, err := readManifest(root)
		if err != nil {
			findings.Addf(0, ManifestInvalid, dir+"/"+manifestName, "%v", err)
			_ = root.Close() // nothing was written
			continue
		}
		folders = append(folders, &opened{dir: dir, manifest: m, root: root})
	}
	slices.SortFunc(folders, func(a, b *opened) int {
		return cmp.Or(cmp.Compare(a.manifest.FirstPosition, b.manifest.FirstPosition), cmp.Compare(a.manifest.LastPosition, b.manifest.LastPosition))
	})
	return folders, nil
}

// joined reports folders whose ranges do not join, and files that belong to no manifest.
func joined(folders []*opened, findings *audit.Findings) {
	for i, f := range folders {
		if i > 0 {
			before := folders[i-1].manifest
			if f.manifest.FirstPosition != before.LastPosition+1 {
				findings.Addf(f.manifest.FirstPosition, RangesApart, f.dir, "it begins at position %d, %s ends at %d",
					f.manifest.FirstPosition, folders[i-1].dir, before.LastPosition)
			}
		}
		known := map[string]bool{manifestName: true, CheckpointName: true}
		for _, file := range f.manifest.Files {
			known[file.Name] = true
		}
		entries, err := fs.ReadDir(f.root.FS(), ".")
		if err != nil {
			findings.Addf(0, FileUnreadable, f.dir, "%v", err)
		}
		for _, entry := range entries {
			if !known[entry.Name()] {
				findings.Addf(0, FileUnknown, f.dir+"/"+entry.Name(), "the manifest does not list it")
			}
		}
	}
}
