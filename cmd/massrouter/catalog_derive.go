package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
)

const deriveLong = `Makes explicit prices for the wallets of a price group: for each endpoint, the rates of the list's price times a factor, below 1 for a
discount, above 1 for a markup. Overrides (long prompts, hours, service tiers) are derived too; what the vendor bills stays as it is.

Each rate is rounded half-even to 12 decimals, once. Nothing is multiplied when a call is charged: the prices are versions like any
other, with an effective time, and the charge names the version. A rate that would become free by rounding is refused, with its endpoint.

Run again, it changes nothing until a price of the list has changed; then it derives that one anew. Prices that the list has scheduled
are derived for the same times. Prices of the group that were published by hand are replaced, unless --only or --endpoint leaves them out.

Start with --dry-run: it prints every difference and changes nothing. A run that was cut off is run again: it continues.`

// deriveFlags are what 'catalog derive' can be told.
type deriveFlags struct {
	factor, from    string
	only, endpoints []string
	dryRun          bool
	parallel        int
}

func newCatalogDeriveCommand(sh shell) *cobra.Command {
	var o operator
	var f deriveFlags
	c := &cobra.Command{
		Use: "derive GROUP", Short: "Make a price group's prices from those of the list", Args: exactly(1), Long: deriveLong + reachHelp,
		Example: "  massrouter catalog derive partners --factor 0.9 --dry-run\n" +
			"  massrouter catalog derive partners --factor 0.9\n" +
			"  massrouter catalog derive resellers --factor 1.15 --only example --from 2030-01-01T00:00:00Z",
		RunE: func(c *cobra.Command, args []string) error {
			options, err := f.options(args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			return f.run(c, console{api: api, parallel: f.parallel}, options)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.factor, "factor", "", "of the list's rates, for example 0.9; needed")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the differences and change nothing")
	flags.StringSliceVar(&f.only, "only", nil, "endpoints of this vendor; repeat it for more (default: all)")
	flags.StringSliceVar(&f.endpoints, "endpoint", nil, "this AUTHOR/SLUG@VENDOR; repeat it for more (default: all)")
	flags.StringVar(&f.from, "from", "", "when changed prices take effect, for example 2030-01-01T00:00:00Z (default: at once)")
	flags.IntVar(&f.parallel, "parallel", defaultParallel, "commands under way at the same time")
	return o.flags(c, false)
}

func (f deriveFlags) options(group string) (catalogimport.DeriveOptions, error) {
	o := catalogimport.DeriveOptions{Group: group, Vendors: f.only, Endpoints: f.endpoints}
	if err := catalog.CheckPriceGroup(group); err != nil {
		return o, usageError{err}
	}
	if f.factor == "" {
		return o, usagef("--factor is needed")
	}
	var err error
	if o.Factor, err = money.ParsePrice(f.factor); err != nil {
		return o, usagef("--factor: %w", err)
	}
	if f.parallel < 1 || f.parallel > maxParallel {
		return o, usagef("--parallel is between 1 and %d", maxParallel)
	}
	from, err := parseTime("--from", f.from)
	if from != nil {
		o.From = *from
	}
	return o, err
}

// deriveReport is what a derivation did, or would do.
type deriveReport struct {
	DryRun     bool                 `json:"dry_run"`
	PriceGroup string               `json:"price_group"`
	Factor     string               `json:"factor"`
	Changes    []importChange       `json:"changes"`
	Published  int                  `json:"published"` // commands that were done
	Position   int64                `json:"position,string"`
	Unchanged  int                  `json:"unchanged"` // endpoints
	Unpriced   []string             `json:"without_a_price"`
	Refused    []catalogimport.Kept `json:"refused"`
}

func (f deriveFlags) run(c *cobra.Command, to console, o catalogimport.DeriveOptions) error {
	have, err := to.readLists(c.Context())
	if err != nil {
		return err
	}
	if err := to.readPrices(c.Context(), have, slices.Sorted(maps.Keys(have.Models))); err != nil {
		return err
	}
	if o.Now = time.Now(); o.Now.Before(have.AsOf) {
		o.Now = have.AsOf
	}
	plan, err := catalogimport.Derive(have, o)
	if err != nil {
		return usageError{err}
	}
	r := &deriveReport{
		DryRun: f.dryRun, PriceGroup: o.Group, Factor: o.Factor.String(), Changes: []importChange{}, Unchanged: plan.Unchanged,
		Unpriced: orEmpty(plan.Unpriced), Refused: orEmpty(plan.Refused),
	}
	for _, s := range plan.Steps {
		r.Changes = append(r.Changes, importChange{
			Kind: s.Kind, ID: s.ID, New: s.New, Changes: orEmpty(s.Changes), EffectiveFrom: pointer(s.Price.EffectiveFrom),
		})
	}
	if !f.dryRun {
		r.Position, err = catalogimport.Apply(c.Context(), to, plan.Steps, have.Position, f.parallel, func(done int) { r.Published = done })
		if err != nil {
			return fmt.Errorf("%w\n%d of %d commands were done. Run it again: it continues", err, r.Published, len(plan.Steps))
		}
	}
	return printer(c).Value(r, r.write)
}

// write is for people.
func (r *deriveReport) write(w io.Writer) {
	rows := make([][]string, 0, len(r.Changes))
	for _, c := range r.Changes {
		what, when := "change", "at once"
		if c.New {
			what = "new"
		}
		if c.EffectiveFrom != nil {
			when = output.Time(*c.EffectiveFrom)
		}
		rows = append(rows, []string{what, c.ID, when, strings.Join(c.Changes, ", ")})
	}
	refused := make([][]string, 0, len(r.Refused))
	for _, x := range r.Refused {
		refused = append(refused, []string{x.Endpoint, x.Why})
	}
	for _, table := range []struct {
		head []string
		rows [][]string
	}{{[]string{"", "ENDPOINT", "FROM", "DIFFERENCE"}, rows}, {[]string{"REFUSED", "BECAUSE"}, refused}} {
		if len(table.rows) > 0 {
			output.Table(w, table.head, table.rows)
			_, _ = fmt.Fprintln(w) // w is a buffer
		}
	}
	did := "published"
	if r.DryRun {
		did = "would publish"
	}
	output.Fields(w, "price group", r.PriceGroup, "factor", r.Factor, did, fmt.Sprintf("%d prices", len(r.Changes)),
		"endpoints unchanged", strconv.Itoa(r.Unchanged), "without a price in the list", strconv.Itoa(len(r.Unpriced)),
		"refused", strconv.Itoa(len(r.Refused)))
}
