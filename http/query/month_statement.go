package query

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/journal/pdf"
)

// statementFile is a statement in one of its formats.
type statementFile struct{ file }

// VisitGetMonthStatementResponse implements GetMonthStatementResponseObject.
func (f statementFile) VisitGetMonthStatementResponse(w http.ResponseWriter) error { return f.send(w) }

// GetMonthStatement writes the statement of a wallet's month.
func (a *API) GetMonthStatement(ctx context.Context, r GetMonthStatementRequestObject) (GetMonthStatementResponseObject, error) {
	format, err := wanted(ctx, r.Params.Format, formatJSON, formatCSV, formatPDF)
	if err != nil {
		return nil, err
	}
	language, err := pdf.ParseLanguage(chosen(r.Params.Language))
	if err != nil {
		return nil, err
	}
	month, err := journal.ParseMonth(r.Month)
	if err != nil {
		return nil, err
	}
	s, err := a.views.Journal.Statement(ctx, journal.StatementRequest{
		WalletID: r.WalletID, From: month.Start(), To: month.End(), AsOf: booksAsOf(r.Params.AsOf), MinPosition: position(r.Params.MinPosition),
	})
	if err != nil {
		return nil, err
	}
	f := file{ctx: ctx, format: format, name: fmt.Sprintf("statement-%s-%s", r.WalletID, month)}
	switch format {
	case formatCSV:
		f.write = s.WriteCSV
	case formatPDF:
		f.write = func(ctx context.Context, to io.Writer) error { return pdf.Write(ctx, to, s, language) }
	default:
		f.name = "" // shown rather than saved
		f.write = func(ctx context.Context, to io.Writer) error { return writeStatement(ctx, to, month, s) }
	}
	return statementFile{f}, nil
}

// writeStatement writes a MonthStatement whose items are written while they are read.
func writeStatement(ctx context.Context, to io.Writer, month journal.Month, s *journal.Statement) error {
	whole, err := json.Marshal(MonthStatement{
		WalletID: s.WalletID, From: s.From, To: s.To, Statement: monthOf(month, &s.Movements), Items: []MonthMovement{},
		Position: openapi.Count(s.Position), AsOf: s.AsOf,
	})
	if err != nil {
		return fmt.Errorf("encode the statement: %w", err)
	}
	head, tail, found := bytes.Cut(whole, []byte(`"items":[]`))
	if !found {
		return errors.New("a statement is encoded without its items")
	}
	w := bufio.NewWriter(to)
	_, _ = w.Write(append(head, `"items":[`...)) // Flush says what went wrong
	comma := ""
	for line, err := range s.Lines(ctx) {
		if err != nil {
			return err
		}
		item, err := json.Marshal(monthMovement(&line))
		if err != nil {
			return fmt.Errorf("encode a movement: %w", err)
		}
		_, _ = w.WriteString(comma)
		if _, err := w.Write(item); err != nil { // a client that went away needs no more lines
			return fmt.Errorf("write the statement: %w", err)
		}
		comma = ","
	}
	_, _ = w.WriteString("]")
	_, _ = w.Write(tail)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the statement: %w", err)
	}
	return nil
}

func monthMovement(l *journal.StatementLine) MonthMovement {
	return MonthMovement{
		Position: openapi.Count(l.Position), RecordedAt: l.RecordedAt, Kind: MovementKind(l.Kind), GenerationID: generationID(l.GenerationID),
		Model: present(l.Model), Reference: present(l.Reference), Reason: present(l.Reason), Amount: l.Amount, BalanceAfter: l.Balance,
	}
}
