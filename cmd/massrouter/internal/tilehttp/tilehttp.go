// Package tilehttp reads a transparency log that is served as static files (C2SP tlog-tiles).
package tilehttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/massrouter/massrouter/audit"
)

const (
	maxCheckpoint = 1 << 20
	tileBytes     = audit.TileWidth * 32
	timeout       = 30 * time.Second
)

// Log is a log at an address.
type Log struct {
	base   *url.URL
	client *http.Client
}

var _ audit.Tiles = (*Log)(nil)

// New makes one; the address is that below which "checkpoint" and "tile/…" lie.
func New(address string) (*Log, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New("the log's address is no URL that begins with http:// or https://")
	}
	return &Log{base: base, client: &http.Client{Timeout: timeout}}, nil
}

// Checkpoint implements audit.Tiles.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	return l.get(ctx, audit.CheckpointPath, maxCheckpoint)
}

// Tile implements audit.Tiles.
func (l *Log) Tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	data, err := l.get(ctx, audit.TilePath(level, index, width), tileBytes)
	if errors.Is(err, fs.ErrNotExist) && width < audit.TileWidth {
		data, err = l.get(ctx, audit.TilePath(level, index, audit.TileWidth), tileBytes)
		if err == nil && len(data) == tileBytes {
			data = data[:width*32]
		}
	}
	return data, err
}

func (l *Log) get(ctx context.Context, path string, most int64) (_ []byte, err error) {
	address := l.base.JoinPath(strings.Split(path, "/")...).String()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", path, err)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("%s answered %s", address, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", address, most)
	}
	return data, nil
}
