// Package tlogtest reads the transparency log that `massrouter dev` publishes with tools that are not ours: the client and
// fsck of transparency-dev/tessera, and the proofs of transparency-dev/merkle. It is a module of its own so that their
// dependencies are not the product's.
package tlogtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running `massrouter dev`, as its dev.json describes it.
type server struct {
	BaseURL       string `json:"base_url"`
	OperatorToken string `json:"operator_token"`
	WalletID      string `json:"wallet_id"`
	LogDir        string `json:"log_dir"`
	LogPublicKey  string `json:"log_public_key"`

	binary, data string
}

var shared server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "mr-tlog")
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogtest:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stop, err := start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogtest:", err)
		return 1
	}
	defer func() {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "tlogtest: stop the server:", err)
			code = 1
		}
	}()
	return m.Run()
}

// start builds and runs the product as a developer would, and waits until it has written its addresses.
func start(dir string) (stop func() error, err error) {
	shared.binary, shared.data = filepath.Join(dir, "massrouter"), filepath.Join(dir, "data")
	build := exec.Command("go", "build", "-o", shared.binary, "./cmd/massrouter")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	var log syncBuffer
	dev := exec.Command(shared.binary, "dev", "--data", shared.data, "--listen", "127.0.0.1:0")
	dev.Stdout, dev.Stderr = &log, &log
	if err := dev.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- dev.Wait() }()
	stop = func() error {
		if err := dev.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return <-exited
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-exited:
			return nil, fmt.Errorf("dev ended: %w\n%s", err, log.String())
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("dev wrote no dev.json\n%s", log.String()), stop())
		case <-tick.C:
		}
		raw, err := os.ReadFile(filepath.Join(shared.data, "dev.json"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(raw, &shared)
		}
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		return stop, nil
	}
}

// syncBuffer keeps what the server prints, for a failure's message.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// ask calls the console API and decodes its answer.
func ask(ctx context.Context, method, path string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, shared.BaseURL+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+shared.OperatorToken)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", rand.Text())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err = io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		return errors.Join(err, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, raw))
	}
	return json.Unmarshal(raw, answer)
}

// grow adds n events to the ledger.
func grow(t *testing.T, n int) {
	t.Helper()
	const at = 16
	errs := make(chan error, at)
	for worker := range at {
		go func() {
			var err error
			for i := worker; i < n && err == nil; i += at {
				var ignored any
				err = ask(t.Context(), http.MethodPost, "/console/v1/wallets/"+shared.WalletID+"/grants",
					map[string]string{"amount": "0.01", "currency": "USD", "reason": fmt.Sprintf("grant <%d> & \"ü\"", i)}, &ignored)
			}
			errs <- err
		}()
	}
	for range at {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// cli runs a command of the product and returns its output.
func cli(t *testing.T, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), shared.binary, args...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, errs.String())
	}
	return out
}
