package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of processor time in /proc: Linux shows all programs 100 a second.
const tick = 10 * time.Millisecond

// ErrNotMeasured says that this system has no /proc to read from.
var ErrNotMeasured = errors.New("processor time and memory are measured on Linux only")

// CPU is the processor time that a process has used, in user and kernel mode.
func CPU(pid int) (time.Duration, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, errors.Join(ErrNotMeasured, err)
	}
	// "pid (name) state …": the name may contain anything, so the fields are counted from its last parenthesis.
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	const userField, kernelField = 11, 12
	if len(fields) <= kernelField {
		return 0, ErrNotMeasured
	}
	user, err1 := strconv.ParseInt(string(fields[userField]), 10, 64)
	kernel, err2 := strconv.ParseInt(string(fields[kernelField]), 10, 64)
	return time.Duration(user+kernel) * tick, errors.Join(err1, err2)
}

// Memory is the resident memory of a process in bytes, now and at most so far.
func Memory(pid int) (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, errors.Join(ErrNotMeasured, err)
	}
	now, err1 := kilobytes(text, "VmRSS:")
	peak, err2 := kilobytes(text, "VmHWM:")
	return now, peak, errors.Join(err1, err2)
}

func kilobytes(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == name {
			n, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, ErrNotMeasured
}
