//go:build unix && !linux

package kafkatest

import (
	"errors"
	"syscall"
)

// attributes keeps a terminal's interrupt away from the broker. There is no parent-death signal here: a test binary that
// is killed leaves its broker behind.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func (*process) fill() error { return errors.New("a process can be limited on Linux only") }
