package child

import "syscall"

// attributes lets a terminal's interrupt reach us alone, and the kernel end the child when we die.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
