// Package pdf prints statements, in English and Chinese, with embedded fonts that have the characters of both.
package pdf

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/projections/journal"
)

// MaxLines is how many movements a printed statement has at most: more are nothing to read, but data, which CSV is for.
const MaxLines = 5000

// Millimetres, points.
const (
	margin, lineHeight, rowHeight = 15, 6, 5
	pageWidth, footer             = 180, 15
	titleSize, textSize, rowSize  = 16, 9, 7.5
	smallest                      = 3
	clock                         = "2006-01-02 15:04:05"
)

// columnWidths are those of time, kind, details, amount and balance.
func columnWidths() [5]float64 { return [5]float64{32, 22, 60, 32, 34} }

// Write prints a statement. The same statement always gives the same bytes. Amounts are exact and never cut; a text that
// does not fit is cut with an ellipsis. Errors: invalid_request when it has more than MaxLines movements, and those of
// Statement.Lines; nothing is written then.
func Write(ctx context.Context, to io.Writer, s *journal.Statement, language Language) error {
	lines := make([]journal.StatementLine, 0, 64)
	for line, err := range s.Lines(ctx) {
		if err != nil {
			return err
		}
		if len(lines) == MaxLines {
			return domain.Errorf(domain.CodeInvalid, "the statement has more than %d movements: ask for a shorter period, or for CSV", MaxLines)
		}
		lines = append(lines, line)
	}
	d, err := begin(s, language)
	if err != nil {
		return err
	}
	d.summary(s)
	d.table(lines)
	if err := d.Output(to); err != nil {
		return fmt.Errorf("print the statement: %w", err)
	}
	return nil
}

// document is a statement that is being printed.
type document struct {
	*fpdf.Fpdf
	labels
	fonts []face
	size  float64 // points
}

func begin(s *journal.Statement, language Language) (*document, error) {
	fonts, err := faces()
	if err != nil {
		return nil, err
	}
	d := &document{Fpdf: fpdf.New("P", "mm", "A4", ""), labels: language.labels(), fonts: fonts}
	d.SetCatalogSort(true) // maps have no order
	d.SetCreationDate(s.AsOf)
	d.SetModificationDate(s.AsOf)
	d.SetTitle(d.title, true)
	d.SetLang(string(language))
	d.SetMargins(margin, margin, margin)
	d.SetCellMargin(0)
	d.SetAutoPageBreak(true, margin+footer)
	for _, f := range fonts {
		d.AddUTF8FontFromBytes(f.name, "", bytes.Clone(f.data)) // it writes into what it is given
	}
	d.SetFooterFunc(func() {
		d.SetY(-footer)
		d.size = rowSize
		d.cell(pageWidth, lineHeight, fmt.Sprintf(d.page, d.PageNo()), "C", false)
	})
	d.AddPage()
	return d, nil
}

// summary prints whose statement it is, and how the opening becomes the closing balance.
func (d *document) summary(s *journal.Statement) {
	d.size = titleSize
	d.cell(pageWidth, 2*lineHeight, d.title, "L", false)
	d.Ln(2 * lineHeight)
	const nameWidth, amountWidth = 40, 60
	row := func(name, value, align string, width float64) {
		d.size = textSize
		d.cell(nameWidth, lineHeight, name, "L", false)
		d.number(width, lineHeight, value, align)
		d.Ln(lineHeight)
	}
	row(d.wallet, s.WalletID.String(), "L", pageWidth-nameWidth)
	row(d.period, fmt.Sprintf("%s – %s %s", moment(s.From), moment(s.To), d.utc), "L", pageWidth-nameWidth)
	row(d.asOf, fmt.Sprintf("%s %s (#%d)", moment(s.AsOf), d.utc, s.Position), "L", pageWidth-nameWidth)
	row(d.currency, string(s.Currency), "L", pageWidth-nameWidth)
	d.Ln(lineHeight / 2)
	for _, line := range []struct{ name, value string }{
		{d.opening, s.Opening.Posted.String()},
		{d.topUps, s.TopUps.String()},
		{d.grants, s.Grants.String()},
		{d.adjustments, s.Adjustments.String()},
		{d.charges, s.Charges.Neg().String()},
		{d.closing, s.Closing.Posted.String()},
		{d.held, s.Closing.Held.String()},
	} {
		row(line.name, line.value, "R", amountWidth)
	}
	d.Ln(lineHeight)
}

func moment(t time.Time) string { return t.UTC().Format(clock) }

// table prints the movements under a head that comes again on each page.
func (d *document) table(lines []journal.StatementLine) {
	widths := columnWidths()
	head := func() {
		d.size = rowSize
		d.SetFillColor(235, 235, 235)
		for i, name := range []string{d.time, d.kind, d.detail, d.amount, d.balance} {
			d.cell(widths[i], lineHeight, name, align(i), true)
		}
		d.Ln(lineHeight)
	}
	head()
	d.SetHeaderFunc(head)
	if len(lines) == 0 {
		d.cell(pageWidth, lineHeight, d.empty, "L", false)
	}
	for i := range lines {
		line := &lines[i]
		if _, height := d.GetPageSize(); d.GetY()+rowHeight > height-margin-footer {
			d.AddPage()
		}
		d.size = rowSize
		d.cell(widths[0], rowHeight, moment(line.RecordedAt), align(0), false)
		d.cell(widths[1], rowHeight, d.kinds[line.Kind], align(1), false)
		d.cell(widths[2], rowHeight, d.cut(detail(line), widths[2]-2*padding), align(2), false)
		d.number(widths[3], rowHeight, line.Amount.String(), align(3))
		d.number(widths[4], rowHeight, line.Balance.String(), align(4))
		d.Ln(rowHeight)
	}
}

// align puts numbers to the right.
func align(column int) string {
	if column > 2 {
		return "R"
	}
	return "L"
}

// detail is a line's text: the model of a charge, the reference and the reason of a credit.
func detail(line *journal.StatementLine) string {
	var parts []string
	for _, part := range []string{line.Model, line.Reference, line.Reason} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}
