package kafkatest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fill limits the length of the broker's files (RLIMIT_FSIZE) to one byte: every write beyond it fails.
func (p *process) fill() error {
	if err := unix.Prlimit(p.server.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: 1}, nil); err != nil {
		return fmt.Errorf("limit the broker's files: %w", err)
	}
	return nil
}
