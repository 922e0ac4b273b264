//go:build unix && !linux

package daemon

import "syscall"

// attributes makes the server a process group of its own. There is no parent-death signal here: when this process is
// killed, the server stays.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}
