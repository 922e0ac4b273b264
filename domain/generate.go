package domain

//go:generate go run ../internal/eventdoc -o ../docs/events.md
