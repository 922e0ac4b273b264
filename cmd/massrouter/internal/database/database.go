// Package database opens connection pools.
package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTimeout = 10 * time.Second
	healthPeriod   = 5 * time.Second
	idleTime       = 5 * time.Minute
	statements     = 512
)

// Open makes a pool of at most conns connections and asks the server once. Statements are prepared once a connection
// and kept.
func Open(ctx context.Context, address string, conns int) (*pgxpool.Pool, error) {
	return open(ctx, address, conns, nil)
}

// OpenStatistics makes a pool for questions that read many rows by few kinds of statements: each is planned once a connection, which
// takes longer than most of the answers (the values decide only which partitions are read, and that is found out when it
// runs), and groups and sorts in memory. Being apart, they leave the other questions their connections.
func OpenStatistics(ctx context.Context, address string, conns int) (*pgxpool.Pool, error) {
	return open(ctx, address, conns, map[string]string{"plan_cache_mode": "force_generic_plan", "work_mem": "32MB", "jit": "off"})
}

func open(ctx context.Context, address string, conns int, settings map[string]string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errors.New("DATABASE_URL is no PostgreSQL address") // the cause may quote the password
	}
	c.MaxConns = int32(conns) //nolint:gosec // bounded by the configuration
	c.HealthCheckPeriod, c.MaxConnIdleTime = healthPeriod, idleTime
	c.ConnConfig.StatementCacheCapacity = statements
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTimeout
	}
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "massrouter"
	}
	for name, value := range settings {
		c.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), c)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}
