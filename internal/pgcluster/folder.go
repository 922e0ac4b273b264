package pgcluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	superuser    = "postgres"
	tempPrefix   = "mrpg"
	socketPrefix = "mrs"
	markerName   = "cluster.json"
	lockName     = "cluster.lock"
	passwordName = "password"
	logName      = "postgres.log"
	ownerName    = "made-for"
)

// marker is what cluster.json holds: the proof that Start made the folder, and what must stay the same.
type marker struct {
	Format int    `json:"format"`
	Port   int    `json:"port"`
	Data   string `json:"data"` // absolute, or relative to the folder
	// Sockets is the socket folder of the last start, which a killed process leaves behind.
	Sockets string `json:"sockets,omitempty"`
}

// prepare makes or opens the folder of a cluster, up to a data folder that a server can be started on.
func prepare(ctx context.Context, o Options) (_ *Cluster, err error) {
	owner, err := serverAccount()
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, owner: owner}
	defer func() {
		if err != nil {
			c.discard()
		}
	}()
	if err := c.openDir(); err != nil {
		return nil, err
	}
	mark, err := c.readMarker()
	if err != nil {
		return nil, err
	}
	major, err := dataMajor(c.data)
	if err != nil {
		return nil, err
	}
	if c.bin, err = systemFinder().find(major); err != nil {
		return nil, err
	}
	if err := c.loadPassword(major == 0); err != nil {
		return nil, err
	}
	if major == 0 {
		if err := c.initdb(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.writeAccessRules(); err != nil {
		return nil, err
	}
	c.port = mark.Port
	return c, c.makeSocketDir(mark.Sockets)
}

// openDir makes the folder when it is missing and takes its lock.
func (c *Cluster) openDir() (err error) {
	if c.options.Dir == "" {
		base, err := c.tempBase()
		if err != nil {
			return err
		}
		sweep(base)
		if c.dir, err = os.MkdirTemp(base, tempPrefix); err != nil {
			return fmt.Errorf("make a temporary folder: %w", err)
		}
		if err := c.owner.own(c.dir); err != nil {
			return err
		}
	} else {
		if c.dir, err = filepath.Abs(c.options.Dir); err != nil {
			return fmt.Errorf("resolve the cluster's folder: %w", err)
		}
		//nolint:gosec // the server's user has to pass through it; what is secret inside is 0600
		if err := os.MkdirAll(c.dir, 0o755); err != nil {
			return fmt.Errorf("make the cluster's folder: %w", err)
		}
	}
	c.lock, err = lockFile(filepath.Join(c.dir, lockName))
	return err
}

// readMarker refuses folders with somebody else's data, and writes the marker of a new cluster.
func (c *Cluster) readMarker() (marker, error) {
	var mark marker
	raw, err := os.ReadFile(filepath.Join(c.dir, markerName))
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &mark); err != nil || mark.Format != 1 || mark.Data == "" {
			return mark, fmt.Errorf("%s in %s is not one that this version wrote", markerName, c.dir)
		}
	case errors.Is(err, fs.ErrNotExist):
		for _, sign := range []string{"PG_VERSION", "data"} {
			if _, err := os.Stat(filepath.Join(c.dir, sign)); err == nil {
				return mark, fmt.Errorf("%s holds data that was not made here (%s is there, %s is not): choose another folder",
					c.dir, sign, markerName)
			}
		}
		mark = marker{Format: 1}
		if mark.Data, err = c.placeData(); err != nil {
			return mark, err
		}
	default:
		return mark, fmt.Errorf("read the cluster's marker: %w", err)
	}
	c.data = mark.Data
	if !filepath.IsAbs(c.data) {
		c.data = filepath.Join(c.dir, c.data)
	}
	return mark, c.writeMarker(mark)
}

// placeData says where the data of a new cluster goes: beside the marker, or, when root works below a
// folder that the server's user cannot enter (such as root's home), under /var/lib.
func (c *Cluster) placeData() (string, error) {
	if c.owner.reaches(c.dir) {
		return "data", nil
	}
	const home = "/var/lib/massrouter"
	//nolint:gosec // the server's user has to pass through it
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", fmt.Errorf("make a folder that the server's user can enter: %w", err)
	}
	sweepPlaces(home)
	place, err := os.MkdirTemp(home, "cluster-")
	if err != nil {
		return "", fmt.Errorf("make a folder that the server's user can enter: %w", err)
	}
	if err := replaceFile(filepath.Join(place, ownerName), []byte(c.dir)); err != nil {
		return "", err
	}
	c.options.Logger.Info().Str("data", place).Msg("the server's user cannot enter the data folder, so the cluster lives elsewhere")
	return filepath.Join(place, "data"), c.owner.own(place)
}

func (c *Cluster) writeMarker(mark marker) error {
	raw, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("encode the cluster's marker: %w", err)
	}
	return replaceFile(filepath.Join(c.dir, markerName), append(raw, '\n'))
}

// loadPassword reads the superuser's password, or makes one for a new cluster.
func (c *Cluster) loadPassword(fresh bool) error {
	path := filepath.Join(c.dir, passwordName)
	if !fresh {
		raw, err := os.ReadFile(path) //nolint:gosec // below the folder that the caller chose
		if err != nil {
			return fmt.Errorf("read the cluster's password: %w", err)
		}
		c.password = strings.TrimSpace(string(raw))
		return nil
	}
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make a password: %w", err)
	}
	c.password = hex.EncodeToString(secret)
	return replaceFile(path, []byte(c.password+"\n"))
}

// makeSocketDir makes a folder with a short path (a socket's path is limited to 107 bytes), and removes the one
// of an earlier start.
func (c *Cluster) makeSocketDir(earlier string) error {
	if strings.HasPrefix(filepath.Base(earlier), socketPrefix) {
		c.forget(os.RemoveAll(earlier))
	}
	if c.options.Dir == "" {
		c.sockets = filepath.Join(c.dir, "s")
		if err := os.Mkdir(c.sockets, 0o700); err != nil {
			return fmt.Errorf("make the socket folder: %w", err)
		}
		return c.owner.own(c.sockets)
	}
	base, err := c.tempBase()
	if err != nil {
		return err
	}
	if c.sockets, err = os.MkdirTemp(base, socketPrefix); err != nil {
		return fmt.Errorf("make the socket folder: %w", err)
	}
	return c.owner.own(c.sockets)
}

// tempBase is the first temporary folder with a short, plain path that the server's user can enter.
func (c *Cluster) tempBase() (string, error) {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if len(dir) < 70 && !strings.ContainsAny(dir, ",\"'\\ ") && c.owner.reaches(dir) {
			return dir, nil
		}
	}
	return "", errors.New("no temporary folder that the server's user can enter")
}

// sweepPlaces removes the data of clusters whose own folder was a temporary one and is gone. The data of any
// other folder is left alone: its volume may only not be mounted.
func sweepPlaces(home string) {
	owners, err := filepath.Glob(filepath.Join(home, "cluster-*", ownerName))
	if err != nil {
		return
	}
	for _, owner := range owners {
		raw, err := os.ReadFile(owner) //nolint:gosec // below a folder that only root writes
		if err != nil {
			continue
		}
		rel, err := filepath.Rel(os.TempDir(), string(raw))
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		place := filepath.Dir(owner)
		_, gone := os.Stat(string(raw)) //nolint:gosec // it only asks whether the folder is there
		_, idle := os.Stat(filepath.Join(place, "data", "postmaster.pid"))
		if errors.Is(gone, fs.ErrNotExist) && errors.Is(idle, fs.ErrNotExist) {
			_ = os.RemoveAll(place) // a left-over that stays is tried again by the next start
		}
	}
}

// replaceFile writes a file of mode 0600 so that a crash leaves the old or the new content.
func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("replace %s: %w", filepath.Base(path), err)
	}
	return nil
}

// lockFile takes a lock that ends with this process, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // below the folder that the caller chose
	if err != nil {
		return nil, fmt.Errorf("open the cluster's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: another process is using this folder: %w", filepath.Dir(path), err)
	}
	return file, nil
}

// sweep removes temporary clusters whose process died without stopping them.
func sweep(base string) {
	markers, err := filepath.Glob(filepath.Join(base, tempPrefix+"*", markerName))
	if err != nil {
		return
	}
	for _, mark := range markers {
		dir := filepath.Dir(mark)
		lock, err := lockFile(filepath.Join(dir, lockName))
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(dir) // a left-over that stays is tried again by the next start
		}
		_ = lock.Close()
	}
}
