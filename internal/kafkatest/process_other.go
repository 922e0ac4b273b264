//go:build unix && !linux

package kafkatest

import "errors"

func (*process) fill() error { return errors.New("a process can be limited on Linux only") }
