// Package folder is the data folder of "massrouter dev": who it belongs to, the secrets of its demonstration, and
// dev.json for the programs that want to use it. A folder that was not made here is never touched.
package folder

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/apikey"
)

const (
	stateName = "state.json"
	lockName  = "dev.lock"
	// InfoName is the file that other programs read.
	InfoName = "dev.json"
	format   = 1
)

// State is what a folder keeps for ever: its identity and secrets.
type State struct {
	Format        int       `json:"format"`
	MadeBy        string    `json:"made_by"`
	ID            uuid.UUID `json:"id"`
	WalletID      uuid.UUID `json:"wallet_id"`
	KeyID         uuid.UUID `json:"key_id"`
	APIKey        string    `json:"api_key"`
	OperatorToken string    `json:"operator_token"`
	VendorKey     string    `json:"vendor_key"`
	// Listen and VendorAddress are where the last start listened; Edition counts the changes of VendorAddress.
	Listen        string `json:"listen,omitempty"`
	VendorAddress string `json:"vendor_address,omitempty"`
	Edition       int    `json:"edition"`
	// LogKey signs the checkpoints of this folder's transparency log.
	LogKey string `json:"log_key,omitempty"`
	// WebhookKey sealed the secrets of webhooks before the folder had a keyset.
	WebhookKey string `json:"webhook_key,omitempty"`
}

// Info is dev.json: how to reach what runs.
type Info struct {
	BaseURL       string    `json:"base_url"`
	APIKey        string    `json:"api_key"`
	OperatorToken string    `json:"operator_token"`
	WalletID      uuid.UUID `json:"wallet_id"`
	PostgresURL   string    `json:"postgres_url"`
	RedisURL      string    `json:"redis_url"`
	SimURL        string    `json:"sim_url"`
	OpsURL        string    `json:"ops_url"`
	PortalURL     string    `json:"portal_url"`
	MailURL       string    `json:"mail_url"`       // shows mails that would be sent; "" when there is a mail server
	LogDir        string    `json:"log_dir"`        // of tiles and checkpoints
	LogPublicKey  string    `json:"log_public_key"` // which verifies them
}

// Folder is an open data folder; nobody else can open it before Close.
type Folder struct {
	Dir   string // absolute
	State State
	Fresh bool // made by this Open
	lock  *os.File
}

const madeBy = "massrouter dev"

// Open makes or continues a folder and locks it. It refuses a folder with other content, and one that is in use.
func Open(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("resolve the data folder: %w", err)
	}
	//nolint:gosec // PostgreSQL may run as another user and has to pass through it; every secret inside is 0600
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := refuseForeign(dir); err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir}
	if f.lock, err = lock(filepath.Join(dir, lockName)); err != nil {
		return nil, err
	}
	if err := f.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close lets the folder go.
func (f *Folder) Close() error { return f.lock.Close() }

// Path is a name inside the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Save keeps the state.
func (f *Folder) Save() error { return replace(f.Path(stateName), f.State) }

// WriteInfo writes dev.json.
func (f *Folder) WriteInfo(info Info) error { return replace(f.Path(InfoName), info) }

// ReadInfo reads the dev.json of a folder.
func ReadInfo(dir string) (Info, error) {
	var info Info
	raw, err := os.ReadFile(filepath.Join(dir, InfoName)) //nolint:gosec // the caller names the folder
	if err != nil {
		return info, fmt.Errorf("read what 'massrouter dev' wrote: %w", err)
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return info, fmt.Errorf("read %s in %s: it is not one that 'massrouter dev' wrote", InfoName, dir)
	}
	return info, nil
}

// refuseForeign refuses a folder with content but without our mark.
func refuseForeign(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into the data folder: %w", err)
	}
	foreign := ""
	for _, e := range entries {
		switch e.Name() {
		case stateName:
			return nil
		case lockName, stateName + newSuffix:
		default:
			foreign = e.Name()
		}
	}
	if foreign != "" {
		return fmt.Errorf("%s was not made by 'massrouter dev' (it has %q but no %s): choose an empty folder with --data", dir, foreign, stateName)
	}
	return nil
}

// lock takes a lock that ends with this process, however it ends.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // inside the folder that the caller named
	if err != nil {
		return nil, fmt.Errorf("open the data folder's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("another 'massrouter dev' is running on %s: stop it, or choose another folder with --data", filepath.Dir(path))
	}
	return file, nil
}

// load reads the state, or makes that of a new folder.
func (f *Folder) load() error {
	raw, err := os.ReadFile(f.Path(stateName))
	if errors.Is(err, fs.ErrNotExist) {
		f.Fresh = true
		if f.State, err = newState(); err != nil {
			return err
		}
		return f.Save()
	}
	if err != nil {
		return fmt.Errorf("read the data folder's state: %w", err)
	}
	if json.Unmarshal(raw, &f.State) != nil || f.State.MadeBy != madeBy || f.State.Format != format {
		return fmt.Errorf("%s in %s is not one that this version of 'massrouter dev' wrote: choose another folder with --data", stateName, f.Dir)
	}
	return nil
}

func newState() (State, error) {
	s := State{Format: format, MadeBy: madeBy}
	for _, id := range []*uuid.UUID{&s.ID, &s.WalletID, &s.KeyID} {
		var err error
		if *id, err = uuid.NewV7(); err != nil {
			return s, fmt.Errorf("make ids: %w", err)
		}
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return s, fmt.Errorf("make secrets: %w", err)
	}
	s.APIKey = apikey.Secret(s.KeyID, secret)
	for _, text := range []*string{&s.OperatorToken, &s.VendorKey} {
		if _, err := rand.Read(secret[:]); err != nil {
			return s, fmt.Errorf("make secrets: %w", err)
		}
		*text = hex.EncodeToString(secret[:])
	}
	return s, nil
}

const newSuffix = ".new"

// replace writes a file of mode 0600 so that a crash leaves the old or the new content.
func replace(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path+newSuffix, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(path+newSuffix, path); err != nil {
		return fmt.Errorf("replace %s: %w", filepath.Base(path), err)
	}
	return nil
}
