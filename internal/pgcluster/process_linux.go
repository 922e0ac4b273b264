package pgcluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// attributes makes the server a process group of its own (a terminal's interrupt must reach us first), run
// by the given account, and lets the kernel shut it down when this process dies.
func attributes(a account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// children lists the processes whose parent is pid.
func children(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, path := range stats {
		_, parent, ok := readStat(path)
		if !ok || parent != pid {
			continue
		}
		if child, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			found = append(found, child)
		}
	}
	return found, nil
}

// alive says whether a process is there and is not merely waiting to be reaped.
func alive(pid int) bool {
	state, _, ok := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	return ok && state != "Z" && state != "X"
}

// readStat reads state and parent from a /proc/PID/stat line: "pid (name) state ppid …"; the name may
// contain anything, so the fields are counted from its last parenthesis.
func readStat(path string) (state string, parent int, ok bool) {
	line, err := os.ReadFile(path) //nolint:gosec // always a path under /proc
	if err != nil {
		return "", 0, false
	}
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return string(fields[0]), parent, err == nil
}
