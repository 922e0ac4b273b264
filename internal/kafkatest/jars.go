package kafkatest

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed" // the list of what to fetch
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// pom names Kafka's release and what it needs; sums has the SHA-256 of every jar.
//
//go:embed pom.xml
var pom string

//go:embed jars.sum
var sums string

// jarFolder returns the folder with Kafka's jars. The first call on a machine fetches them with Maven's ordinary client, as it
// is configured here, into the user's cache; they are used only when each has the hash of jars.sum. Processes that come at the same
// time wait for the first.
func jarFolder(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), "massrouter-cache-"+strconv.Itoa(os.Getuid()))
	}
	parent := filepath.Join(cache, "massrouter")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", fmt.Errorf("make the cache for Kafka's jars: %w", err)
	}
	version := sha256.Sum256([]byte(sums))
	dir := filepath.Join(parent, fmt.Sprintf("kafka-%s-%x", Version, version[:4]))
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // in the user's cache
	if err != nil {
		return "", fmt.Errorf("lock the cache for Kafka's jars: %w", err)
	}
	defer func() { _ = lock.Close() }() // gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the cache for Kafka's jars: %w", err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil // it got its name when it was whole
	}
	return dir, fetch(ctx, dir)
}

// fetch fills a folder beside dir and renames it when every jar is as it should be.
func fetch(ctx context.Context, dir string) (err error) {
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("fetch Kafka's jars: %w: there is no mvn on PATH", errNotHere)
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return fmt.Errorf("fetch Kafka's jars: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	file, jars := filepath.Join(work, "pom.xml"), filepath.Join(work, "jars")
	if err := os.WriteFile(file, []byte(pom), 0o600); err != nil {
		return fmt.Errorf("fetch Kafka's jars: %w", err)
	}
	fmt.Fprintln(os.Stderr, "kafkatest: fetching the jars of Kafka", Version)
	cmd := exec.CommandContext(ctx, maven, //nolint:gosec // Maven of this machine
		"--batch-mode", "--quiet", "--file", file, "dependency:copy-dependencies", "-DoutputDirectory="+jars)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch Kafka's jars with Maven: %w: %w: %s", errNotHere, err, lastLines(string(out)))
	}
	if err := check(jars); err != nil {
		return err
	}
	if err := os.Rename(jars, dir); err != nil {
		return fmt.Errorf("keep Kafka's jars: %w", err)
	}
	return nil
}

// check compares a folder with jars.sum: the same files with the same hashes.
func check(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("check Kafka's jars: %w", err)
	}
	found := map[string]bool{}
	for _, entry := range entries {
		b, err := os.ReadFile(filepath.Join(dir, entry.Name())) //nolint:gosec // just fetched
		if err != nil {
			return fmt.Errorf("check Kafka's jars: %w", err)
		}
		hash := sha256.Sum256(b)
		found[hex.EncodeToString(hash[:])+"  "+entry.Name()] = true
	}
	lines := bufio.NewScanner(strings.NewReader(sums))
	wanted := 0
	for lines.Scan() {
		wanted++
		if !found[lines.Text()] {
			return fmt.Errorf("check Kafka's jars: not as in jars.sum: %s", lines.Text())
		}
	}
	if wanted != len(found) {
		return fmt.Errorf("check Kafka's jars: %d files were fetched, jars.sum has %d", len(found), wanted)
	}
	return nil
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// javaProgram finds a Java that the broker runs on.
func javaProgram(ctx context.Context) (string, error) {
	const needed = 17
	java, err := exec.LookPath("java")
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	if err != nil {
		return "", fmt.Errorf("run Kafka's jars: %w: there is no java on PATH", errNotHere)
	}
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput() //nolint:gosec // Java of this machine
	if err != nil {
		return "", fmt.Errorf("run Kafka's jars: %w: %s: %w", errNotHere, java, err)
	}
	match := javaVersion.FindSubmatch(out)
	if match == nil {
		return "", fmt.Errorf("run Kafka's jars: %w: %s does not say its version", errNotHere, java)
	}
	if major, err := strconv.Atoi(string(match[1])); err != nil || major < needed {
		return "", fmt.Errorf("run Kafka's jars: %w: Java %d or newer is needed, %s is %s", errNotHere, needed, java, match[1])
	}
	return java, nil
}
