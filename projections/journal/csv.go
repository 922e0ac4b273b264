package journal

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// csvTime is ISO 8601 with the microseconds that the log has.
const csvTime = "2006-01-02T15:04:05.000000Z"

// WriteCSV writes the statement as RFC 4180 CSV in UTF-8: a row of names, the opening balance, one row a movement, the
// closing balance. Times are ISO 8601 in UTC, amounts exact decimals with a point. A text that a spreadsheet would take for a
// formula is preceded by an apostrophe.
func (s *Statement) WriteCSV(ctx context.Context, to io.Writer) error {
	w := csv.NewWriter(to)
	w.UseCRLF = true
	currency := string(s.Currency)
	rows := [][]string{
		{"time", "type", "amount", "balance", "currency", "model", "generation_id", "reference", "reason", "position"},
		{s.From.Format(csvTime), "opening_balance", "", s.Opening.Posted.String(), currency, "", "", "", "", ""},
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	for line, err := range s.Lines(ctx) {
		if err != nil {
			return err
		}
		generation := ""
		if line.GenerationID != nil {
			generation = line.GenerationID.String()
		}
		err := w.Write([]string{
			line.RecordedAt.Format(csvTime), line.Kind, line.Amount.String(), line.Balance.String(), currency, cell(line.Model), generation,
			cell(line.Reference), cell(line.Reason), strconv.FormatInt(line.Position, 10),
		})
		if err != nil {
			return fmt.Errorf("write the statement: %w", err)
		}
	}
	end := s.closesAt().Format(csvTime)
	if err := w.WriteAll([][]string{{end, "closing_balance", "", s.Closing.Posted.String(), currency, "", "", "", "", ""}}); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	return nil
}

// closesAt is the end of the period, or the moment of the statement when that comes first.
func (s *Statement) closesAt() time.Time {
	if s.AsOf.Before(s.To) {
		return s.AsOf
	}
	return s.To
}

// cell makes a text safe to be opened in a spreadsheet: one that begins like a formula, maybe after spaces, is quoted
// (OWASP, CSV Injection). The full-width forms of the signs are taken for them in some languages.
func cell(text string) string {
	rest := strings.TrimLeft(text, " \t\r\n\u00a0\u3000")
	for _, sign := range []string{"=", "+", "-", "@", "|", "%", "'", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(rest, sign) {
			return "'" + text
		}
	}
	if text != "" && strings.ContainsAny(text[:1], "\t\r\n") {
		return "'" + text
	}
	return text
}
