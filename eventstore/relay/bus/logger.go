package bus

import (
	"github.com/ThreeDotsLabs/watermill"
	"github.com/rs/zerolog"
)

// NewLogger gives what the libraries say to a logger: their errors as warnings, as all of them are tried again, and the
// rest for who debugs.
func NewLogger(to zerolog.Logger) watermill.LoggerAdapter { return logger{to} }

type logger struct{ to zerolog.Logger }

// Error implements watermill.LoggerAdapter.
func (l logger) Error(text string, err error, fields watermill.LogFields) {
	l.to.Warn().Err(err).Fields(map[string]any(fields)).Msg(text)
}

// Info implements watermill.LoggerAdapter.
func (l logger) Info(text string, fields watermill.LogFields) {
	l.to.Debug().Fields(map[string]any(fields)).Msg(text)
}

// Debug implements watermill.LoggerAdapter.
func (l logger) Debug(text string, fields watermill.LogFields) {
	l.to.Trace().Fields(map[string]any(fields)).Msg(text)
}

// Trace implements watermill.LoggerAdapter. It is about single messages, whose fields nobody has looked at.
func (logger) Trace(string, watermill.LogFields) {}

// With implements watermill.LoggerAdapter.
func (l logger) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return logger{l.to.With().Fields(map[string]any(fields)).Logger()}
}
