package ownkey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/credential"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
)

const (
	lookEvery = 250 * time.Millisecond
	lookTime  = 5 * time.Second
	// staleAfter is how long keys are believed while the database does not answer.
	staleAfter = 10 * time.Second
	// rereadAfter is well below deletedLife: who has not looked for so long reads everything anew.
	rereadAfter = 10 * time.Minute
)

// Watch has all keys in memory, as of a moment ago. It is safe for concurrent use.
type Watch struct {
	pool    *pgxpool.Pool
	keys    *envelope.Keyring
	now     func() time.Time
	onError func(error)

	looking  sync.Mutex // one look after the other: an older one must not undo what a newer one has learned
	mu       sync.RWMutex
	byWallet map[uuid.UUID][]entry // the oldest first
	byID     map[uuid.UUID]Usable
	version  int64     // up to which changes are known
	looked   time.Time // when the last look began that succeeded; zero before the first one
}

// entry is a key with its secret.
type entry struct {
	Key
	secret string // "" when the keyset cannot open it
}

// NewWatch makes a Watch; onError, if not nil, is told what goes wrong, never a secret. Run keeps it current.
func NewWatch(pool *pgxpool.Pool, keys *envelope.Keyring, onError func(error)) *Watch {
	if onError == nil {
		onError = func(error) {}
	}
	return &Watch{pool: pool, keys: keys, now: time.Now, onError: onError, byWallet: map[uuid.UUID][]entry{}, byID: map[uuid.UUID]Usable{}}
}

// Run looks for changes until the context ends, and then returns nil.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := false
	for {
		err := w.Look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			w.onError(err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Look learns of all changes that were made before.
func (w *Watch) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	w.looking.Lock()
	defer w.looking.Unlock()
	begun := w.now()
	w.mu.RLock()
	after, whole := w.version, w.looked.IsZero() || begun.Sub(w.looked) > rereadAfter
	w.mu.RUnlock()
	if whole {
		after = 0
	}
	changed, deleted, version, err := w.read(ctx, after)
	if err != nil {
		return fmt.Errorf("look for changed keys of customers: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if whole {
		w.byWallet, w.byID = map[uuid.UUID][]entry{}, map[uuid.UUID]Usable{}
	}
	for _, k := range deleted {
		w.forget(&k)
	}
	for _, e := range changed {
		w.forget(&e.Key)
		w.add(&e)
	}
	w.version, w.looked = max(version, w.version), begun
	return nil
}

// read is what has changed after a version.
func (w *Watch) read(ctx context.Context, after int64) (changed []entry, deleted []Key, version int64, err error) {
	//nolint:rowserrcheck // ForEachRow checks it
	rows, err := w.pool.Query(ctx, `SELECT id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, version, created_at, created_by, updated_at, updated_by,
		sealed, deleted_at IS NOT NULL FROM gateway.vendor_keys WHERE version > $1 ORDER BY version`, after)
	if err != nil {
		return nil, nil, 0, err
	}
	var e entry
	var sealed []byte
	var gone bool
	version = after
	_, err = pgx.ForEachRow(rows, append(e.fields(), &sealed, &gone), func() error {
		version = e.Version
		if gone {
			deleted = append(deleted, e.Key)
		} else {
			e.secret = w.open(&e.Key, sealed)
			changed = append(changed, e)
		}
		e.Models, e.KeyIDs = nil, nil // the next row's are others
		return nil
	})
	return changed, deleted, version, err
}

func (w *Watch) open(k *Key, sealed []byte) string {
	secret, err := w.keys.Open(sealed, k.place())
	if err != nil {
		w.onError(fmt.Errorf("the key %s of a customer at vendor %s: %w", k.ID, k.Vendor, err))
		return ""
	}
	return string(secret)
}

// forget drops a key. Slices that calls may read are not changed.
func (w *Watch) forget(k *Key) {
	delete(w.byID, k.ID)
	old := w.byWallet[k.WalletID]
	kept := make([]entry, 0, len(old))
	for _, e := range old {
		if e.ID != k.ID {
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 {
		delete(w.byWallet, k.WalletID)
		return
	}
	w.byWallet[k.WalletID] = kept
}

// add puts a key among the others of its wallet. Slices that calls may read are not changed.
func (w *Watch) add(e *entry) {
	all := append(slices.Clone(w.byWallet[e.WalletID]), *e)
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	w.byWallet[e.WalletID] = all
	if e.secret != "" {
		w.byID[e.ID] = e.usable()
	}
}

func (e *entry) usable() Usable {
	return Usable{ID: e.ID, Only: e.Only, Credential: credential.Credential{ID: wallet.OwnCredential(e.ID, e.Version), Secret: e.secret}}
}

// ByVendor are the keys that a call of a wallet may use for a model with an API key, by vendor, the oldest first: none for nearly all calls. Errors:
// ledger_unavailable when that is not known now, or a key that is to be the only one cannot be read.
func (w *Watch) ByVendor(owner uuid.UUID, model string, key uuid.UUID) (map[string][]Usable, error) {
	w.mu.RLock()
	entries, looked := w.byWallet[owner], w.looked
	w.mu.RUnlock()
	switch {
	case looked.IsZero() || len(entries) > 0 && w.now().Sub(looked) > staleAfter:
		return nil, domain.Errorf(domain.CodeUnavailable, "your own keys at vendors cannot be read now; try again")
	case len(entries) == 0:
		return nil, nil //nolint:nilnil // there are none
	}
	usable := map[string][]Usable{}
	for i := range entries {
		e := &entries[i]
		switch {
		case !e.For(model, key):
		case e.secret != "":
			usable[e.Vendor] = append(usable[e.Vendor], e.usable())
		case e.Only:
			return nil, domain.Errorf(domain.CodeUnavailable, "your own key at the vendor %s cannot be read now", e.Vendor)
		}
	}
	return usable, nil
}

// Find is a key by its id, for whom it is does not matter; false when it is not there any more.
func (w *Watch) Find(id uuid.UUID) (Usable, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	k, ok := w.byID[id]
	return k, ok
}
