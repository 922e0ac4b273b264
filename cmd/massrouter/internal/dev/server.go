package dev

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/massrouter/massrouter/internal/pgcluster"
)

const pingTime = 10 * time.Second

// startPostgres starts the folder's own server, or claims the database that somebody named.
func (s *session) startPostgres(ctx context.Context) error {
	if given := s.o.Config.Store.DatabaseURL; given.IsSet() {
		s.database, s.info.PostgresURL = given.Reveal(), given.Reveal()
		return claim(ctx, given.Reveal(), s.folder.State.ID)
	}
	s.o.Progress("starting a private PostgreSQL in %s", s.folder.Path("postgres"))
	cluster, err := pgcluster.Start(ctx, pgcluster.Options{Dir: s.folder.Path("postgres"), Durable: true, Logger: s.o.Log})
	if err != nil {
		return fmt.Errorf("start a private PostgreSQL (DATABASE_URL names another one): %w", err)
	}
	s.parts = append(s.parts, func() error {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return cluster.Stop(stopping)
	})
	s.database, s.info.PostgresURL = cluster.URL("postgres"), cluster.TCPURL("postgres")
	return nil
}

// startRedis starts one in this process, or asks the one that somebody named.
func (s *session) startRedis(ctx context.Context) error {
	if given := s.o.Config.Store.RedisURL; given.IsSet() {
		s.info.RedisURL = given.Reveal()
		return ping(ctx, given.Reveal())
	}
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return fmt.Errorf("start an in-process Redis: %w", err)
	}
	s.parts = append(s.parts, func() error {
		server.Close()
		return nil
	})
	s.info.RedisURL = "redis://" + server.Addr() + "/0"
	return nil
}

func ping(ctx context.Context, address string) (err error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return errors.New("REDIS_URL is no Redis address") // the cause may quote the password
	}
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask the Redis that REDIS_URL names: %w", err)
	}
	return nil
}
