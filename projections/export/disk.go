package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// folder is what an export asks of the disk; a test makes each of it fail.
type folder interface {
	create(name string) (file, error) // for writing, empty
	rename(from, to string) error
	remove(name string) error // also when there is none
	sync() error              // makes renames durable
	open(name string) (io.ReadCloser, error)
	list() ([]string, error)
}

type file interface {
	io.WriteCloser
	Sync() error
}

// disk is a folder of the file system. Nothing outside of it can be named.
type disk struct {
	root *os.Root
	lock *os.File // the folder itself
}

// openDisk opens a folder and keeps other exports out of it until it is closed.
func openDisk(dir string) (*disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the export's folder: %w", err)
	}
	d := &disk{root: root}
	if d.lock, err = root.Open("."); err != nil {
		d.close()
		return nil, fmt.Errorf("open the export's folder: %w", err)
	}
	if err := lock(d.lock); err != nil {
		d.close()
		return nil, fmt.Errorf("lock the export's folder %s: %w", dir, err)
	}
	return d, nil
}

func (d *disk) close() {
	if d.lock != nil {
		_ = d.lock.Close() // nothing was written to it
	}
	_ = d.root.Close() // nor to it
}

const onlyOwner = 0o600

func (d *disk) create(name string) (file, error) {
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, onlyOwner)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *disk) rename(from, to string) error { return d.root.Rename(from, to) }

func (d *disk) remove(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) sync() (err error) {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

func (d *disk) open(name string) (io.ReadCloser, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *disk) list() ([]string, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, nil
}

// writeWhole writes a small file so that it is there whole or not at all.
func writeWhole(d folder, name string, content []byte) error {
	f, err := d.create(temporary(name))
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	_, err = f.Write(content)
	return place(d, f, name, err)
}

// place ends a temporary file that was written with the given error, if any: it gets its name, or disappears.
func place(d folder, f file, name string, err error) error {
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.rename(temporary(name), name)
	}
	if err != nil {
		_ = d.remove(temporary(name)) // the next run removes it otherwise
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("flush the export's folder: %w", err)
	}
	return nil
}

func temporary(name string) string { return "." + name + ".partial" }
