package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/keyfile"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/resealing"
	"github.com/massrouter/massrouter/gateway/seal/envelope"
	"github.com/massrouter/massrouter/reactors/webhook"
)

const secretsLong = `What customers entrust to the platform (secrets of webhooks, keys at vendors, stored bodies) is encrypted in the database with
the keyset that MASSROUTER_SECRETS_KEYSET or MASSROUTER_SECRETS_KEYSET_FILE gives. It is a keyset of Tink, in JSON. Keep a copy apart from the
copies of the database: whoever has both reads everything, and without it everything is lost.

No command prints a key.`

func newSecretsCommand(sh shell) *cobra.Command {
	return group("secrets", "Keys that encrypt secrets in the database", secretsLong,
		newSecretsInitCommand(), newSecretsStatusCommand(sh), newSecretsRotateCommand(sh), newSecretsPruneCommand(sh))
}

func newSecretsInitCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init FILE", Short: "Make a keyset", Args: exactly(1),
		Long:    "Draws a keyset of one key and writes it to a new file with mode 0600. A file that exists is never touched.",
		Example: "  massrouter secrets init /etc/massrouter/keyset.json\n  export MASSROUTER_SECRETS_KEYSET_FILE=/etc/massrouter/keyset.json",
		RunE: func(c *cobra.Command, args []string) error {
			err := keyfile.Init(args[0])
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s exists: it is left as it is, for what it has sealed would be lost without it", args[0])
			}
			if err != nil {
				return err
			}
			return printer(c).Value(map[string]string{"file": args[0]}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s has a new keyset. Point MASSROUTER_SECRETS_KEYSET_FILE of serve and work at it, and keep a copy elsewhere.\n", args[0]) // w is a buffer
			})
		},
	}
}

// errNoKeyset says what is missing.
var errNoKeyset = errors.New("there is no keyset: MASSROUTER_SECRETS_KEYSET_FILE names it; 'massrouter secrets init' makes one")

// vault is what the commands of this file work on.
type vault struct {
	config config.Config
	keys   resealing.Keys
	pool   *pgxpool.Pool
}

func openVault(c *cobra.Command, sh shell) (*vault, error) {
	cfg, err := settings(c, sh, config.RoleDatabase)
	if err != nil {
		return nil, err
	}
	v := &vault{config: cfg}
	if err := v.readKeys(); err != nil {
		return nil, err
	}
	v.pool, err = database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), 2)
	return v, err
}

func (v *vault) readKeys() error {
	keyset, err := v.config.Secrets.Keyring()
	if err != nil {
		return err
	}
	if keyset == nil {
		return errNoKeyset
	}
	var older *webhook.Keyring
	if key := v.config.Webhooks.WebhookKey; key.IsSet() {
		if older, err = webhook.ParseKeyring(key.Reveal()); err != nil {
			return err
		}
	}
	v.keys = resealing.Keys{Keyset: keyset, Webhooks: webhook.NewKeyring(keyset, older)}
	return nil
}

// secretsStatus is which key has sealed how much.
type secretsStatus struct {
	Keys []envelope.Key  `json:"keys"`
	Uses []resealing.Use `json:"uses"`
}

func (v *vault) status(ctx context.Context) (secretsStatus, error) {
	uses, err := resealing.Uses(ctx, v.pool)
	return secretsStatus{Keys: v.keys.Keyset.Keys(), Uses: uses}, err
}

// unused are the keys that neither seal nor have sealed anything that is still there.
func (s secretsStatus) unused() []uint32 {
	var ids []uint32
	for _, key := range s.Keys {
		used := slices.ContainsFunc(s.Uses, func(u resealing.Use) bool { return u.Key == strconv.FormatUint(uint64(key.ID), 10) })
		if !key.Primary && !used {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

func newSecretsStatusCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show which key has sealed how much", Args: exactly(0),
		Long:    "Lists the ids of the keyset's keys, and how many values of each table each has sealed. A key that the keyset does not have is missing: its values are lost without it.",
		Example: "  massrouter secrets status\n  massrouter secrets status --json",
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := openVault(c, sh)
			if err != nil {
				return err
			}
			defer v.pool.Close()
			s, err := v.status(c.Context())
			if err != nil {
				return err
			}
			return printer(c).Value(s, func(w io.Writer) { s.write(w) })
		},
	}
}

func (s secretsStatus) write(w io.Writer) {
	state := map[string]string{"webhook": "MASSROUTER_WEBHOOK_KEY"}
	rows := make([][]string, 0, len(s.Keys)+len(s.Uses))
	for _, key := range s.Keys {
		id := strconv.FormatUint(uint64(key.ID), 10)
		if state[id] = "opens"; key.Primary {
			state[id] = "primary"
		}
		if !slices.ContainsFunc(s.Uses, func(u resealing.Use) bool { return u.Key == id }) {
			rows = append(rows, []string{id, state[id], "", "0"})
		}
	}
	for _, u := range s.Uses {
		known, ok := state[u.Key]
		if !ok {
			known = "missing"
		}
		rows = append(rows, []string{u.Key, known, u.Table, strconv.FormatInt(u.Rows, 10)})
	}
	output.Table(w, []string{"KEY", "STATE", "TABLE", "VALUES"}, rows)
}
