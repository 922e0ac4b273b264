//go:build unix && !linux

package child

import "syscall"

// attributes lets a terminal's interrupt reach us alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
