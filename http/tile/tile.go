// Package tile serves the files of a transparency log: tiles and the newest checkpoint, in the layout of C2SP tlog-tiles.
// Anybody may read them, and caches may keep them: a tile never changes once it is there.
package tile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const (
	checkpoint = "checkpoint"
	maxBytes   = 1 << 20 // of a checkpoint; a tile has at most 8 KiB
	hashBytes  = 32
	width      = 256 // hashes of a full tile
)

// How long a file may be kept. A partial tile goes when the full one is there, and a checkpoint is replaced each second or two.
const (
	keepForGood    = "public, max-age=31536000, immutable"
	keepPartial    = "public, max-age=3600, immutable"
	keepCheckpoint = "public, max-age=1"
)

// Files serves a log's folder, or what there will be of it.
type Files struct {
	dir    string
	refuse func(w http.ResponseWriter, r *http.Request, err error)
}

// New makes a handler of the paths below the log's address, without the slash before them: "checkpoint", "tile/0/000". refuse
// answers errors, with code not_found for what is no file of a log, or not there.
func New(dir string, refuse func(w http.ResponseWriter, r *http.Request, err error)) *Files {
	return &Files{dir: dir, refuse: refuse}
}

// Serve answers for the file at a path.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, path string) {
	hashes, known := parse(path)
	if !known {
		f.refuse(w, r, domain.Errorf(domain.CodeNotFound, "this is no path of a transparency log"))
		return
	}
	data, err := f.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		f.refuse(w, r, domain.Errorf(domain.CodeNotFound, "the log does not have this file, or not any more"))
		return
	}
	if err == nil && path != checkpoint && len(data) != hashes*hashBytes {
		err = fmt.Errorf("the file %s of the transparency log has %d bytes, not %d", path, len(data), hashes*hashBytes)
	}
	if err != nil {
		f.refuse(w, r, domain.Errorf(domain.CodeUnavailable, "the transparency log cannot be read now").Wrap(err))
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // a page can verify, too
	switch {
	case path == checkpoint:
		h.Set("Cache-Control", keepCheckpoint)
		h.Set("Content-Type", "text/plain; charset=utf-8")
	case hashes == width:
		h.Set("Cache-Control", keepForGood)
		h.Set("Content-Type", "application/octet-stream")
	default:
		h.Set("Cache-Control", keepPartial)
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // a client that went away needs no answer
	}
}

// read reads a file inside the folder; links that lead out of it are not followed.
func (f *Files) read(path string) (_ []byte, err error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	file, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = fmt.Errorf("the file %s of the transparency log has more than %d bytes", path, maxBytes)
	}
	return data, err
}

const (
	maxLevel  = 7 // 256^8 hashes are more than positions reach
	maxGroups = 7 // of three digits: an index of 63 bits has 19
)

// parse says how many hashes a tile of a path has. Only the spelling of tlog-tiles is known: tile/LEVEL/INDEX, with the index in
// groups of three digits, all but the last after an x, and .p/WIDTH for a partial one.
func parse(path string) (hashes int, known bool) {
	if path == checkpoint {
		return 0, true
	}
	rest, isTile := strings.CutPrefix(path, "tile/")
	level, rest, hasIndex := strings.Cut(rest, "/")
	if !isTile || !hasIndex || !isNumber(level, maxLevel) {
		return 0, false
	}
	index, partial, isPartial := strings.Cut(rest, ".p/")
	hashes = width
	if isPartial {
		if !isNumber(partial, width-1) || partial == "0" {
			return 0, false
		}
		hashes, _ = strconv.Atoi(partial)
	}
	groups := strings.Split(index, "/")
	if len(groups) > maxGroups || len(groups) > 1 && groups[0] == "x000" {
		return 0, false
	}
	for i, group := range groups {
		digits := group
		if i < len(groups)-1 {
			var marked bool
			if digits, marked = strings.CutPrefix(group, "x"); !marked {
				return 0, false
			}
		}
		if len(digits) != 3 || strings.Trim(digits, "0123456789") != "" {
			return 0, false
		}
	}
	return hashes, true
}

// isNumber says whether a text is the one spelling of a number from 0 to most.
func isNumber(text string, most int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && n <= most && strconv.Itoa(n) == text
}
