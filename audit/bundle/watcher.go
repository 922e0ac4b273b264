package bundle

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain/money"
)

// watcher compares the manifests with the events while they are verified.
type watcher struct {
	options     *Options
	folders     []*opened
	findings    *audit.Findings
	checkpoints []signed
	held        []int64

	at          int // the folder under way
	sums        map[group]money.Amount
	first, last time.Time
	tree        *audit.Tree // of a range that is not the log's beginning
	done        []Folder
}

type group struct {
	name     string
	currency money.Currency
}

// signed is a checkpoint with the name of its file.
type signed struct {
	audit.Checkpoint
	file string
}

// openCheckpoints reads the signed checkpoints of all folders.
func (w *watcher) openCheckpoints() error {
	if w.options.Key == nil {
		return nil
	}
	found, end := false, w.folders[len(w.folders)-1].manifest.LastPosition
	for _, f := range w.folders {
		file := f.dir + "/" + CheckpointName
		text, err := readSmall(f, CheckpointName)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		c, err := audit.OpenCheckpoint(text, w.options.Key)
		switch {
		case err != nil:
			w.findings.Addf(0, CheckpointWrong, file, "%v", err)
		case w.folders[0].manifest.FirstPosition != 1 || c.Size > end:
			w.findings.Addf(0, CheckpointWrong, file, "it is of the positions 1 to %d, which are not all here", c.Size)
		}
		if err == nil {
			w.checkpoints = append(w.checkpoints, signed{c, file})
		}
		found = true
	}
	if !found {
		w.findings.Addf(0, CheckpointWrong, w.folders[0].dir, "there is no file %s whose signature the key could verify", CheckpointName)
	}
	return nil
}

const maxCheckpoint = 1 << 20

func readSmall(f *opened, name string) (_ []byte, err error) {
	file, _, err := open(f.root, name)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return io.ReadAll(io.LimitReader(file, maxCheckpoint))
}

// Observe adds an event to the folder that it is in.
func (w *watcher) Observe(_ context.Context, s *audit.Step) error {
	for w.at < len(w.folders) && s.Row.Position > w.folders[w.at].manifest.LastPosition {
		w.close(s.State, s.Row.Position-1)
	}
	if w.at == len(w.folders) {
		return nil // a position beyond all of them is reported
	}
	m := w.folders[w.at].manifest
	if w.sums == nil {
		w.sums, w.first = map[group]money.Amount{}, s.Row.RecordedAt
		if m.FirstPosition != 1 {
			w.tree = &audit.Tree{}
		}
	}
	w.last = s.Row.RecordedAt
	if p := m.Period; p != nil && (s.Row.RecordedAt.Before(p.From) || !p.To.IsZero() && !s.Row.RecordedAt.Before(p.To)) {
		w.findings.Addf(s.Row.Position, ManifestMismatch, w.folders[w.at].dir, "recorded outside of the period")
	}
	if s.Row.Shard != m.Shard {
		w.findings.Addf(s.Row.Position, ManifestMismatch, w.folders[w.at].dir, "the manifest states shard %d", m.Shard)
	}
	if w.tree != nil {
		w.tree.Add(s.Leaf)
	}
	for _, leg := range s.Entry {
		at := group{groupOf(leg.Account), s.Currency}
		w.sums[at] = w.sums[at].Add(leg.Amount)
	}
	w.checkCheckpoints(s.State)
	if s.Row.Position == m.LastPosition {
		w.close(s.State, s.Row.Position)
	}
	if w.options.Progress != nil && s.Row.Position%progressEvery == 0 {
		w.options.Progress(s.Row.Position-w.folders[0].manifest.FirstPosition+1,
			w.folders[len(w.folders)-1].manifest.LastPosition-w.folders[0].manifest.FirstPosition+1)
	}
	return nil
}

const progressEvery = 1 << 17

func (w *watcher) checkCheckpoints(state *audit.State) {
	for _, c := range w.checkpoints {
		if c.Size != state.Position || w.folders[0].manifest.FirstPosition != 1 {
			continue
		}
		if root := state.Root(); root != c.Root {
			w.findings.Addf(c.Size, CheckpointWrong, c.file, "the root of the events is %x, the signed one %x", root, c.Root)
			continue
		}
		w.held = append(w.held, c.Size)
	}
}

// End closes the last folder.
func (w *watcher) End(_ context.Context, state *audit.State) error {
	for w.at < len(w.folders) && w.folders[w.at].manifest.LastPosition <= state.Position {
		w.close(state, state.Position)
	}
	return nil
}

// close compares a folder's manifest with what its events amount to. position is that of its last event.
func (w *watcher) close(state *audit.State, position int64) {
	f := w.folders[w.at]
	m := f.manifest
	differs := func(format string, args ...any) {
		w.findings.Addf(0, ManifestMismatch, f.dir+"/"+manifestName, format, args...)
	}
	if position != m.LastPosition {
		differs("the events end at position %d instead of %d", position, m.LastPosition)
	}
	root := state.Root()
	if w.tree != nil || m.Events == 0 {
		root = cmp.Or(w.tree, &audit.Tree{}).Root()
	}
	if got := hex.EncodeToString(root[:]); got != m.Tree.Root {
		differs("it states the root %s, the events give %s", m.Tree.Root, got)
	}
	if !w.first.Equal(m.FirstRecordedAt) || !w.last.Equal(m.LastRecordedAt) {
		differs("it states times from %s to %s, the events are from %s to %s", m.FirstRecordedAt, m.LastRecordedAt, w.first, w.last)
	}
	sums, totals := w.listed()
	if !slices.Equal(sums, m.Sums) || !slices.Equal(totals, m.Totals) {
		differs("it states the sums %v, the events give %v", m.Sums, sums)
	}
	done := Folder{Dir: f.dir, Format: m.Format, FirstPosition: m.FirstPosition, LastPosition: m.LastPosition, Files: len(m.Files), Root: m.Tree.Root}
	for _, s := range sums {
		done.Sums = append(done.Sums, audit.Sum{Class: s.Group, Currency: s.Currency, Amount: s.Amount})
	}
	w.done = append(w.done, done)
	w.sums, w.tree, w.first, w.last = nil, nil, time.Time{}, time.Time{}
	w.at++
}

// finish reports what was not reached.
func (w *watcher) finish(whole bool) {
	if whole && w.at < len(w.folders) {
		w.findings.Addf(0, ManifestMismatch, w.folders[w.at].dir+"/"+manifestName, "the events end before position %d",
			w.folders[w.at].manifest.LastPosition)
	}
}

func (w *watcher) listed() (byGroup, totals []sum) {
	byGroup, total := []sum{}, map[group]money.Amount{}
	for at, amount := range w.sums {
		byGroup = append(byGroup, sum{at.name, string(at.currency), amount.String()})
		all := group{"", at.currency}
		total[all] = total[all].Add(amount)
	}
	totals = []sum{}
	for at, amount := range total {
		totals = append(totals, sum{"", string(at.currency), amount.String()})
	}
	order := func(a, b sum) int { return strings.Compare(a.Currency+"\x00"+a.Group, b.Currency+"\x00"+b.Group) }
	slices.SortFunc(byGroup, order)
	slices.SortFunc(totals, order)
	return byGroup, totals
}

// groupOf is an account without the identity of whose it is.
func groupOf(account money.Account) string {
	for _, prefix := range [...]string{"wallet:", "hold:", "cash:"} {
		if strings.HasPrefix(string(account), prefix) {
			return strings.TrimSuffix(prefix, ":")
		}
	}
	if strings.HasPrefix(string(account), "vendor:") && strings.HasSuffix(string(account), ":payable") {
		return "vendor:payable"
	}
	return string(account)
}
