package kafkatest

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes keeps a terminal's interrupt away from the broker and lets the kernel end it when this process dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// fill limits the length of the broker's files (RLIMIT_FSIZE) to one byte: every write beyond it fails.
func (p *process) fill() error {
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: 1}, nil); err != nil {
		return fmt.Errorf("limit the broker's files: %w", err)
	}
	return nil
}
