package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
)

func newCatalogCommand(sh shell) *cobra.Command {
	return group("catalog", "Fill the catalogue from price lists, and derive prices of groups",
		"Imports vendors, models, endpoints and prices from published price lists. Single ones are published with 'massrouter vendor', "+
			"'model' and 'price'. Derives the prices of price groups from those of the list."+reachHelp,
		newCatalogImportCommand(sh), newCatalogDeriveCommand(sh))
}

const importLong = `Makes the catalogue have what a price list has: publishes its vendors, models, endpoints and price versions, as far as they are
not there already, as the ordinary commands of an operator. Imported again, the same list changes nothing.

A changed price becomes a new price version, in force at once or from --from; prices that the list dates ahead are scheduled.
What the list does not say stays as it is, for example a status, the dialect of a vendor, or the cap of an answer. What is in
the catalogue and not in the list is left alone and named. So is a price that an operator set apart from the vendor's cost.

What the catalogue cannot say exactly is refused, with its place in the list and the reason, and never guessed: prices of
audio, images or searches, prices with too many digits, models without a price or without a context length. The rest is imported.

Formats:
  genai-prices  the data of pydantic/genai-prices: many vendors, without their addresses. Name them with --base-url, or put
                all at one place with --all-to; a vendor that is in the catalogue already keeps its address.
  openrouter    the answer of GET /models of OpenRouter or MassRouter, as a file or an address (https, or http when it is
                spelt out): one vendor, whose address is that of the list without /models, unless --base-url says another.

Start with --dry-run: it prints every difference and changes nothing. An import that was cut off is run again: it continues.`

// importFlags are what 'catalog import' can be told.
type importFlags struct {
	format, vendor, allTo, from string
	only, bases                 []string
	context, output             int64
	dryRun, strict              bool
	parallel                    int
}

func newCatalogImportCommand(sh shell) *cobra.Command {
	var o operator
	var f importFlags
	c := &cobra.Command{
		Use: "import FILE|URL", Short: "Import a price list", Args: exactly(1), Long: importLong + reachHelp,
		Example: "  massrouter catalog import --format genai-prices data.json --base-url deepseek=https://api.deepseek.com/v1 --only deepseek --dry-run\n" +
			"  massrouter catalog import --format genai-prices data.json --all-to http://127.0.0.1:9000/v1 --context-length 8192\n" +
			"  massrouter catalog import --format openrouter https://openrouter.ai/api/v1/models --dry-run --json",
		RunE: func(c *cobra.Command, args []string) error {
			options, err := f.options()
			if err != nil {
				return err
			}
			list, err := f.read(c, args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			return f.run(c, console{api: api, parallel: f.parallel}, list, options)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.format, "format", "", "genai-prices or openrouter")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the differences and change nothing")
	flags.BoolVar(&f.strict, "strict", false, "change nothing and fail when anything of the list is refused")
	flags.StringSliceVar(&f.only, "only", nil, "import this vendor; repeat it for more (default: all)")
	flags.StringArrayVar(&f.bases, "base-url", nil, "VENDOR=URL: where a vendor is, up to and with the version; repeat it for more")
	flags.StringVar(&f.allTo, "all-to", "", "base URL of all vendors, of the dialect openai: for a simulator or another gateway")
	flags.Int64Var(&f.context, "context-length", 0, "context length in tokens of models whose list has none (default: they are refused)")
	flags.Int64Var(&f.output, "max-output", 0, "most tokens of a completion where the list has no cap (default: the context length)")
	flags.StringVar(&f.vendor, "vendor", "", "whose list it is, for the format openrouter (default: openrouter)")
	flags.StringVar(&f.from, "from", "", "when changed prices take effect, for example 2030-01-01T00:00:00Z (default: at once)")
	flags.IntVar(&f.parallel, "parallel", defaultParallel, "commands under way at the same time")
	return o.flags(c, false)
}

const (
	defaultParallel = 32
	maxParallel     = 256
	maxContext      = 1 << 32
)

func (f importFlags) options() (catalogimport.Options, error) {
	o := catalogimport.Options{Only: f.only, BaseURLs: map[string]string{}, AllTo: f.allTo, MaxOutput: f.output}
	for _, pair := range f.bases {
		vendor, base, ok := strings.Cut(pair, "=")
		if _, twice := o.BaseURLs[vendor]; !ok || !isURL(base) || twice {
			return o, usagef("--base-url: %q is no VENDOR=URL, each vendor once", pair)
		}
		o.BaseURLs[vendor] = base
	}
	switch {
	case f.format != formatGenAI && f.format != formatOpenRouter:
		return o, usagef("--format is %s or %s", formatGenAI, formatOpenRouter)
	case f.vendor != "" && f.format != formatOpenRouter:
		return o, usagef("--vendor is for the format %s: the other one names its vendors", formatOpenRouter)
	case f.allTo != "" && !isURL(f.allTo):
		return o, usagef("--all-to: %q is no URL", f.allTo)
	case f.context < 0 || f.context > maxContext || f.output < 0 || f.output > maxContext:
		return o, usagef("--context-length and --max-output are numbers of tokens")
	case f.parallel < 1 || f.parallel > maxParallel:
		return o, usagef("--parallel is between 1 and %d", maxParallel)
	}
	from, err := parseTime("--from", f.from)
	if err != nil {
		return o, err
	}
	if from != nil {
		o.From = *from
	}
	return o, nil
}

// The formats.
const (
	formatGenAI      = "genai-prices"
	formatOpenRouter = "openrouter"
)

func (f importFlags) read(c *cobra.Command, source string) (catalogimport.List, error) {
	raw, err := readList(c, source)
	if err != nil {
		return catalogimport.List{}, err
	}
	options := catalogimport.ReadOptions{ContextLength: f.context, Vendor: f.vendor, BaseURL: listBase(source)}
	var list catalogimport.List
	if f.format == formatGenAI {
		list, err = catalogimport.ReadGenAIPrices(raw, options)
	} else {
		list, err = catalogimport.ReadOpenRouter(raw, options)
	}
	if err != nil {
		return list, usagef("%s: %w", source, err)
	}
	return list, nil
}

// run plans the import, and does it unless it is a dry run.
func (f importFlags) run(c *cobra.Command, to console, list catalogimport.List, options catalogimport.Options) error {
	p := printer(c)
	models := map[string]bool{}
	for _, o := range list.Offers {
		if len(options.Only) == 0 || slices.Contains(options.Only, o.Vendor) {
			models[o.Model] = true
		}
	}
	have, err := to.read(c.Context(), slices.Sorted(maps.Keys(models)))
	if err != nil {
		return err
	}
	if options.Now = time.Now(); options.Now.Before(have.AsOf) {
		options.Now = have.AsOf
	}
	plan, err := catalogimport.NewPlan(list, have, options)
	if err != nil {
		return usageError{err}
	}
	report := newImportReport(plan, f.dryRun)
	if f.strict && len(plan.Refused) > 0 {
		report.DryRun = true
		if err := p.Value(report, report.write); err != nil {
			return err
		}
		return fmt.Errorf("%d parts of the list are refused, so nothing was imported (--strict)", len(plan.Refused))
	}
	if !f.dryRun {
		start, said := time.Now(), time.Now()
		report.Position, err = catalogimport.Apply(c.Context(), to, plan.Steps, have.Position, f.parallel, func(done int) {
			report.Published = done
			if time.Since(said) > progressInterval {
				said = time.Now()
				p.Progress("published %d of %d", done, len(plan.Steps))
			}
		})
		report.Seconds = seconds(time.Since(start))
		if err != nil {
			return fmt.Errorf("%w\n%d of %d commands were done. Run it again: it continues", err, report.Published, len(plan.Steps))
		}
	}
	return p.Value(report, report.write)
}

const progressInterval = 2 * time.Second
