package main

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

// newLogger writes to the standard error; the level was validated.
func newLogger(w io.Writer, c config.Log) zerolog.Logger {
	if c.Format == "text" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}
