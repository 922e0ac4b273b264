package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/internal/pgcluster"
)

// server is the database server of this test process.
type server struct {
	mu      sync.Mutex
	enabled bool
	cluster *pgcluster.Cluster       // nil when DATABASE_URL names the server
	address func(name string) string // the address of a database on the server
	admin   *pgxpool.Pool            // on the server's maintenance database
	prefix  string                   // of all names of this process
	count   int
	ready   bool // the template is complete
}

func (s *server) enable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enabled = true
}

// create makes a database and returns its name and address.
func (s *server) create(ctx context.Context, migrated bool) (name, address string, err error) {
	name, template, err := s.next(ctx, migrated)
	if err != nil {
		return "", "", err
	}
	if err := s.run(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template)); err != nil {
		return "", "", err
	}
	return name, s.address(name), nil
}

// next starts what is not running yet and hands out a name and the template for it. Copies are made outside
// the lock: the server makes several at a time.
func (s *server) next(ctx context.Context, migrated bool) (name, template string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enabled {
		return "", "", errors.New("pgtest: the test package needs func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }")
	}
	if s.admin == nil {
		if err := s.start(ctx); err != nil {
			return "", "", err
		}
	}
	template = "template0"
	if migrated {
		template = s.prefix + "template"
		if !s.ready {
			if err := s.makeTemplate(ctx, template); err != nil {
				return "", "", err
			}
			s.ready = true
		}
	}
	s.count++
	return fmt.Sprintf("%s%d", s.prefix, s.count), template, nil
}

func (s *server) start(ctx context.Context) error {
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return fmt.Errorf("choose names for test databases: %w", err)
	}
	s.prefix = "mrtest_" + hex.EncodeToString(random) + "_"
	maintenance, err := s.locate(ctx)
	if err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(maintenance)
	if err != nil {
		return errors.New("read DATABASE_URL: it is no PostgreSQL address") // the cause may hold the password
	}
	config.MaxConns = 4
	config.ConnConfig.ConnectTimeout = 20 * time.Second
	s.admin, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	return nil
}

// locate decides which server to use and returns the address of its maintenance database.
func (s *server) locate(ctx context.Context) (string, error) {
	if given := os.Getenv("DATABASE_URL"); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			return "", errors.New("read DATABASE_URL: it is no URL")
		}
		s.address = func(name string) string {
			other := *u
			other.Path = "/" + name
			return other.String()
		}
		return given, nil
	}
	if s.cluster == nil {
		cluster, err := pgcluster.Start(ctx, pgcluster.Options{})
		if err != nil {
			return "", fmt.Errorf("start a private test server: %w", err)
		}
		s.cluster = cluster
	}
	s.address = s.cluster.URL
	return s.cluster.URL("postgres"), nil
}

func (s *server) makeTemplate(ctx context.Context, name string) error {
	if err := s.run(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE template0"); err != nil {
		return err
	}
	err := migrateUp(s.address(name))
	if err == nil {
		return nil
	}
	return errors.Join(err, s.drop(ctx, name)) // so that the next test fails for the same reason
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.run(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
}

// run executes one statement on the maintenance database.
func (s *server) run(ctx context.Context, statement string) error {
	if _, err := s.admin.Exec(ctx, statement); err != nil {
		return fmt.Errorf("run %q on the test server: %w", statement, err)
	}
	return nil
}

// stop drops the template and stops a private server.
func (s *server) stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.admin != nil {
		if s.ready && s.cluster == nil {
			errs = append(errs, s.drop(ctx, s.prefix+"template"))
		}
		s.admin.Close()
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop(ctx))
	}
	return errors.Join(errs...)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
