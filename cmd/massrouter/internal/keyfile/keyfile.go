// Package keyfile keeps the keyset that encrypts secrets in a file that only its owner can read.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const mode = 0o600

// Init draws a keyset and writes it to a new file. Errors: fs.ErrExist when there is one.
func Init(path string) error {
	text, err := envelope.NewKeyset()
	if err != nil {
		return err
	}
	return Create(path, text)
}

// Create writes a keyset to a new file, whole or not at all. Errors: fs.ErrExist when there is one.
func Create(path string, text []byte) error {
	draft, err := write(path, text)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft) }() // only its other name stays
	if err := os.Link(draft, path); err != nil {
		return fmt.Errorf("make the keyset's file: %w", err)
	}
	return sync(path)
}

// Change replaces the keyset of a file by what change makes of it. A crash leaves the old or the new one; two that change it at once do so one
// after the other.
func Change(path string, change func(text []byte) ([]byte, error)) error {
	for {
		changed, err := changeLocked(path, change)
		if changed || err != nil {
			return err
		}
	}
}

// changeLocked returns false when the file was replaced by another process meanwhile.
func changeLocked(path string, change func(text []byte) ([]byte, error)) (bool, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return false, fmt.Errorf("open the keyset's file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read; closing ends the lock
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return false, fmt.Errorf("lock the keyset's file: %w", err)
	}
	if same, err := isStill(file, path); !same || err != nil {
		return false, err
	}
	var old bytes.Buffer
	if _, err := old.ReadFrom(file); err != nil {
		return false, fmt.Errorf("read the keyset's file: %w", err)
	}
	text, err := change(old.Bytes())
	if err != nil {
		return false, err
	}
	draft, err := write(path, text)
	if err != nil {
		return false, err
	}
	if err := os.Rename(draft, path); err != nil {
		return false, errors.Join(fmt.Errorf("replace the keyset's file: %w", err), os.Remove(draft))
	}
	return true, sync(path)
}

func isStill(file *os.File, path string) (bool, error) {
	locked, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("look at the keyset's file: %w", err)
	}
	now, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("look at the keyset's file: %w", err)
	}
	return os.SameFile(locked, now), nil
}

// write makes a durable file with the text beside path, and returns its name.
func write(path string, text []byte) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // its mode is 0600
	if err != nil {
		return "", fmt.Errorf("write the keyset's file: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write the keyset's file: %w", err), os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// sync makes the name durable.
func sync(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("open the keyset's folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("keep the keyset's file: %w", err)
	}
	return nil
}
