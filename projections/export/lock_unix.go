//go:build unix

package export

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps a second export out of a folder. It ends with the file, or the process.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another export writes there")
	}
	return err
}
