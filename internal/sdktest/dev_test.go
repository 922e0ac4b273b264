// Package sdktest runs the official clients of OpenAI, Anthropic and Gemini against `massrouter dev`, and writes what they can
// do to docs/compatibility.md. It is a module of its own so that the clients' dependencies are not the product's.
package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running `massrouter dev`, as its dev.json describes it, and its state.json the key of its vendors.
type server struct {
	BaseURL       string `json:"base_url"`
	APIKey        string `json:"api_key"`
	OperatorToken string `json:"operator_token"`
	WalletID      string `json:"wallet_id"`
	SimURL        string `json:"sim_url"`
	VendorKey     string `json:"vendor_key"`
}

var shared server

// The tests wait for answers most of the time, so many run at once.
const atOnce = "16"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err) // it is a flag of every test
	}
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "mr-sdk")
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdktest:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stop, err := start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdktest:", err)
		return 1
	}
	defer func() {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "sdktest: stop the server:", err)
			code = 1
		}
	}()
	release, err := prepare()
	defer release()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdktest: prepare the catalogue:", err)
		return 1
	}
	return m.Run()
}

// start builds and runs the product as a developer would, and waits until it has written its addresses.
func start(dir string) (stop func() error, err error) {
	binary := filepath.Join(dir, "massrouter")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "./cmd/massrouter")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	data := filepath.Join(dir, "data")
	var log syncBuffer
	dev := exec.CommandContext(context.Background(), binary, "dev", "--data", data, "--listen", "127.0.0.1:0")
	dev.Stdout, dev.Stderr = &log, &log
	dev.Env = dev.Environ()
	for _, dialect := range []string{"OPENAI", "RESPONSES", "ANTHROPIC", "GEMINI"} {
		dev.Env = append(dev.Env, "MASSROUTER_VENDOR_KEY_MOCK_"+dialect+"=any")
	}
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
		if ready, err := read(filepath.Join(data, "dev.json")); err != nil {
			return nil, errors.Join(err, stop())
		} else if ready {
			if _, err := read(filepath.Join(data, "state.json")); err != nil {
				return nil, errors.Join(err, stop())
			}
			return stop, nil
		}
	}
}

func read(path string) (bool, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(raw, &shared)
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
