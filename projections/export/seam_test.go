package export

import (
	"context"
	"fmt"
	"io"

	"github.com/massrouter/massrouter/eventstore"
)

// Faulty is a disk that fails from its n-th step on: once, as a full disk does, or for good, as after a kill.
type Faulty struct {
	disk  folder
	At    int // counted from 1
	Kill  bool
	Err   error
	steps int
}

// Steps is how many there were.
func (f *Faulty) Steps() int { return f.steps }

func (f *Faulty) step() error {
	f.steps++
	if f.steps == f.At || f.Kill && f.steps > f.At {
		return f.Err
	}
	return nil
}

// RunFaulty is Run on a disk with a fault.
func RunFaulty(ctx context.Context, log eventstore.Reader, o Options, f *Faulty) (*Manifest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d, err := openDisk(o.Dir)
	if err != nil {
		return nil, err
	}
	defer d.close()
	f.disk = d
	return run(ctx, log, o, f)
}

func (f *Faulty) create(name string) (file, error) {
	if err := f.step(); err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	made, err := f.disk.create(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, made}, nil
}

func (f *Faulty) rename(from, to string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.disk.rename(from, to)
}

func (f *Faulty) remove(name string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.disk.remove(name)
}

func (f *Faulty) sync() error {
	if err := f.step(); err != nil {
		return err
	}
	return f.disk.sync()
}

func (f *Faulty) open(name string) (io.ReadCloser, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.disk.open(name)
}

func (f *Faulty) list() ([]string, error) { return f.disk.list() }

type faultyFile struct {
	f    *Faulty
	file file
}

// Write writes half of what does not fit.
func (w *faultyFile) Write(b []byte) (int, error) {
	if err := w.f.step(); err != nil {
		n, _ := w.file.Write(b[:len(b)/2])
		return n, err
	}
	return w.file.Write(b)
}

func (w *faultyFile) Sync() error {
	if err := w.f.step(); err != nil {
		return err
	}
	return w.file.Sync()
}

func (w *faultyFile) Close() error { return w.file.Close() }
