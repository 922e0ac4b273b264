package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
)

// importReport is what an import did, or would do.
type importReport struct {
	DryRun     bool                         `json:"dry_run"`
	Changes    []importChange               `json:"changes"`
	Counts     map[catalogimport.Kind]int   `json:"counts"`    // changes by kind
	Published  int                          `json:"published"` // commands that were done
	Position   int64                        `json:"position,string"`
	Seconds    string                       `json:"seconds"`
	Unchanged  int                          `json:"unchanged"`
	ListModels int                          `json:"list_models"`
	Importable importable                   `json:"importable"`
	Reasons    map[catalogimport.Reason]int `json:"refused_by_reason"`
	Refused    []catalogimport.Refusal      `json:"refused"`
	Absent     []string                     `json:"not_in_the_list"`
	OwnPrices  []catalogimport.Kept         `json:"own_prices"`
	Notes      []catalogimport.Note         `json:"notes"`
}

type importable struct {
	Vendors   int `json:"vendors"`
	Models    int `json:"models"`
	Endpoints int `json:"endpoints"`
}

type importChange struct {
	Kind          catalogimport.Kind `json:"kind"`
	ID            string             `json:"id"`
	New           bool               `json:"new"`
	Changes       []string           `json:"changes"`
	EffectiveFrom *time.Time         `json:"effective_from,omitempty"` // of a price; absent: at once
}

func newImportReport(plan catalogimport.Plan, dryRun bool) *importReport {
	r := &importReport{
		DryRun: dryRun, Changes: []importChange{}, Counts: map[catalogimport.Kind]int{}, Seconds: "0", Unchanged: plan.Unchanged,
		ListModels: plan.ListModels, Importable: importable{plan.Vendors, plan.Models, plan.Endpoints},
		Reasons: map[catalogimport.Reason]int{}, Refused: orEmpty(plan.Refused), Absent: orEmpty(plan.Absent),
		OwnPrices: orEmpty(plan.OwnPrices), Notes: orEmpty(plan.Notes),
	}
	for _, s := range plan.Steps {
		c := importChange{Kind: s.Kind, ID: s.ID, New: s.New, Changes: orEmpty(s.Changes)}
		if s.Price != nil {
			c.EffectiveFrom = pointer(s.Price.EffectiveFrom)
		}
		r.Changes = append(r.Changes, c)
		r.Counts[s.Kind]++
	}
	for _, refused := range plan.Refused {
		r.Reasons[refused.Reason]++
	}
	return r
}

// orEmpty is a list that is [] and not null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// seconds is a duration with milliseconds, as a decimal string.
func seconds(d time.Duration) string {
	return fmt.Sprintf("%d.%03d", d/time.Second, d%time.Second/time.Millisecond)
}

// write is for people: a dry run has every line, an import the sums.
func (r *importReport) write(w io.Writer) {
	if r.DryRun {
		r.writeChanges(w)
		r.writeRefused(w)
	}
	if len(r.Reasons) > 0 {
		rows := [][]string{}
		for _, reason := range slices.SortedFunc(maps.Keys(r.Reasons), func(a, b catalogimport.Reason) int {
			return cmp.Or(cmp.Compare(r.Reasons[b], r.Reasons[a]), cmp.Compare(a, b))
		}) {
			rows = append(rows, []string{string(reason), strconv.Itoa(r.Reasons[reason])})
		}
		output.Table(w, []string{"REFUSED BECAUSE", "COUNT"}, rows)
		_, _ = fmt.Fprintln(w) // w is a buffer
	}
	did := "published"
	if r.DryRun {
		did = "would publish"
	}
	output.Fields(w,
		"the list has", fmt.Sprintf("%d models", r.ListModels),
		"can be imported", fmt.Sprintf("%d vendors, %d models, %d endpoints", r.Importable.Vendors, r.Importable.Models, r.Importable.Endpoints),
		"refused", strconv.Itoa(len(r.Refused)),
		did, r.sums(),
		"unchanged", strconv.Itoa(r.Unchanged),
		"not in the list, left alone", strconv.Itoa(len(r.Absent)),
		"own prices, left alone", strconv.Itoa(len(r.OwnPrices)),
		"notes of the list", strconv.Itoa(len(r.Notes)))
	if r.DryRun {
		return
	}
	output.Fields(w, "time", r.Seconds+" s")
	if len(r.Refused)+len(r.Absent)+len(r.OwnPrices)+len(r.Notes) > 0 {
		_, _ = fmt.Fprintln(w, "\nThe same command with --dry-run names them one by one, --json has all.") // as above
	}
}

func (r *importReport) sums() string {
	parts := []string{}
	for _, kind := range []catalogimport.Kind{catalogimport.KindVendor, catalogimport.KindModel, catalogimport.KindEndpoint, catalogimport.KindPrice} {
		if n := r.Counts[kind]; n > 0 {
			plural := "s"
			if n == 1 {
				plural = ""
			}
			parts = append(parts, fmt.Sprintf("%d %s%s", n, kind, plural))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func (r *importReport) writeChanges(w io.Writer) {
	if len(r.Changes) == 0 {
		return
	}
	rows := make([][]string, 0, len(r.Changes))
	for _, c := range r.Changes {
		what, when := "change", ""
		if c.New {
			what = "new"
		}
		if c.Kind == catalogimport.KindPrice {
			when = "at once"
		}
		if c.EffectiveFrom != nil {
			when = output.Time(*c.EffectiveFrom)
		}
		rows = append(rows, []string{what, string(c.Kind), c.ID, when, plain(strings.Join(c.Changes, ", "))})
	}
	output.Table(w, []string{"", "WHAT", "ID", "FROM", "DIFFERENCE"}, rows)
	_, _ = fmt.Fprintln(w) // w is a buffer
}

// writeRefused lists what is not done, each thing with its reason; the longest text of a line is its last.
func (r *importReport) writeRefused(w io.Writer) {
	var refused, left, notes [][]string
	for _, x := range r.Refused {
		refused = append(refused, []string{plain(x.Subject), string(x.Reason), x.Place, plain(x.Detail)})
	}
	for _, id := range r.Absent {
		left = append(left, []string{id, "it is not in the list"})
	}
	for _, k := range r.OwnPrices {
		left = append(left, []string{k.Endpoint, k.Why})
	}
	for _, n := range r.Notes {
		notes = append(notes, []string{n.Subject, plain(n.Text)})
	}
	for _, table := range []struct {
		head []string
		rows [][]string
	}{
		{[]string{"REFUSED", "REASON", "PLACE", "DETAIL"}, refused},
		{[]string{"LEFT ALONE", "BECAUSE"}, left},
		{[]string{"NOTE ON", "TEXT OF THE LIST"}, notes},
	} {
		if len(table.rows) > 0 {
			output.Table(w, table.head, table.rows)
			_, _ = fmt.Fprintln(w) // w is a buffer
		}
	}
}

// plain is text of a file without what would move a terminal's cursor.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
