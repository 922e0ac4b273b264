package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	sealing "github.com/massrouter/massrouter/cmd/massrouter/internal/vault"
	"github.com/massrouter/massrouter/identity/signing"
)

const tokensLong = `Access tokens of people are signed with a key (Ed25519) that serve makes at its first start and keeps sealed in the database. Its public half is at
/.well-known/jwks.json.`

func newTokensCommand(sh shell) *cobra.Command {
	return group("tokens", "Keys that sign access tokens", tokensLong, newTokensKeysCommand(sh), newTokensRotateCommand(sh))
}

// signingKeys opens the store of the keys; give the vault's pool back.
func signingKeys(c *cobra.Command, sh shell) (*signing.Store, *vault, error) {
	v, err := openVault(c, sh)
	if err != nil {
		return nil, nil, err
	}
	return signing.New(v.pool, sealing.New(v.keys.Keyset), time.Now), v, nil
}

// signingKey is one as it is shown.
type signingKey struct {
	ID        string    `json:"kid"`
	CreatedAt time.Time `json:"created_at"`
	SignsFrom time.Time `json:"signs_from"`
	Signs     bool      `json:"signs"`
}

func shownKey(k *signing.Key) signingKey {
	return signingKey{ID: k.Thumb, CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, Signs: k.Signs}
}

func newTokensKeysCommand(sh shell) *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "List the keys that are published", Args: exactly(0),
		Long:    "Lists the keys that check access tokens, the one that signs first. A key before it stays until its last token is over.",
		Example: "  massrouter tokens keys\n  massrouter tokens keys --json",
		RunE: func(c *cobra.Command, _ []string) error {
			store, v, err := signingKeys(c, sh)
			if err != nil {
				return err
			}
			defer v.pool.Close()
			all, err := store.List(c.Context())
			if err != nil {
				return err
			}
			shown := make([]signingKey, len(all))
			for i := range all {
				shown[i] = shownKey(&all[i])
			}
			return printer(c).Value(shown, func(w io.Writer) {
				rows := make([][]string, len(shown))
				for i, k := range shown {
					state := "checks"
					if k.Signs {
						state = "signs"
					}
					rows[i] = []string{k.ID, state, k.SignsFrom.Format(time.RFC3339)}
				}
				output.Table(w, []string{"KEY", "STATE", "SIGNS FROM"}, rows)
			})
		},
	}
}

func newTokensRotateCommand(sh shell) *cobra.Command {
	d := deed{action: "tokens.rotate"}
	return d.flags(&cobra.Command{
		Use: "rotate", Short: "Make the next signing key", Args: exactly(0),
		Long: "Makes a key that is published at once and signs two minutes later, when every process knows it. Tokens of the key before stay good for their ten minutes; " +
			"nobody is signed out. Running processes need no restart. Where a key has leaked, sign everybody out besides: who has it can make tokens until it is not published any more." + deedHelp,
		Example: "  massrouter tokens rotate",
		RunE: func(c *cobra.Command, _ []string) error {
			store, v, err := signingKeys(c, sh)
			if err != nil {
				return err
			}
			defer v.pool.Close()
			ctx, err := d.context(c.Context())
			if err != nil {
				return err
			}
			k, err := store.Rotate(ctx)
			if err != nil {
				return err
			}
			return printer(c).Value(shownKey(&k), func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "Key %s signs from %s on.\n", k.Thumb, k.SignsFrom.Format(time.RFC3339)) // w is a buffer
			})
		},
	})
}
