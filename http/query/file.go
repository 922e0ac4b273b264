package query

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const (
	fileBuffer = 64 << 10 // bytes: an error before they are full is still a problem document
	// fileStall is how long a client may take to read a bufferful.
	fileStall = 30 * time.Second
)

// file is an answer that is written while it is made. An error after the first bytes cuts the connection, so that nobody takes
// a part for the whole.
type file struct {
	ctx    context.Context //nolint:containedctx // the generated code writes answers without one, and this lives for one request
	format string
	name   string // "" for an answer that is not to be saved
	write  func(ctx context.Context, to io.Writer) error
}

// send writes the file as an answer.
func (f file) send(w http.ResponseWriter) error {
	begun := &lateHeader{file: f, to: w, conn: http.NewResponseController(w)}
	buffered := bufio.NewWriterSize(begun, fileBuffer)
	err := f.write(f.ctx, buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		begun.header() // an empty file is an answer, too
		_ = begun.conn.SetWriteDeadline(time.Time{})
		return nil
	}
	if !begun.done {
		return err
	}
	if f.ctx.Err() == nil {
		zerolog.Ctx(f.ctx).Error().Err(err).Msg("an export ended early")
	}
	panic(http.ErrAbortHandler)
}

// lateHeader decides for success when the first bytes come.
type lateHeader struct {
	file

	to   http.ResponseWriter
	conn *http.ResponseController
	done bool
}

func (h *lateHeader) header() {
	if h.done {
		return
	}
	h.done = true
	media := mediaOf(h.format)
	if h.format == formatCSV {
		media += "; charset=utf-8; header=present"
	}
	h.to.Header().Set("Content-Type", media)
	h.to.Header().Add("Vary", "Accept")
	if h.name != "" {
		h.to.Header().Set("Content-Disposition", `attachment; filename="`+h.name+"."+h.format+`"`)
	}
	h.to.WriteHeader(http.StatusOK)
}

// Write passes on; a client that reads nothing holds nothing for long.
func (h *lateHeader) Write(p []byte) (int, error) {
	h.header()
	_ = h.conn.SetWriteDeadline(time.Now().Add(fileStall)) // where there are no deadlines, the request's context ends it
	return h.to.Write(p)
}

// table is a file of CSV (RFC 4180): a row of names, then what rows yields.
func table(ctx context.Context, name string, head []string, rows func(ctx context.Context, row func(cells ...string) error) error) file {
	return file{ctx: ctx, format: formatCSV, name: name, write: func(ctx context.Context, to io.Writer) error {
		w := csv.NewWriter(to)
		w.UseCRLF = true
		if err := w.Write(head); err != nil {
			return fmt.Errorf("write a row: %w", err)
		}
		err := rows(ctx, func(cells ...string) error {
			for i := range cells {
				cells[i] = harmless(cells[i])
			}
			return w.Write(cells)
		})
		if err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	}}
}

// harmless keeps a spreadsheet from taking a text for a formula (OWASP, CSV Injection): an apostrophe goes before it. Numbers
// stay as they are.
func harmless(cell string) string {
	rest := strings.TrimLeft(cell, " \t\r\n\u00a0\u3000")
	for _, sign := range []string{"=", "+", "-", "@", "|", "%", "'", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(rest, sign) && !isNumber(cell) {
			return "'" + cell
		}
	}
	if rest != cell && strings.ContainsAny(cell[:1], "\t\r\n") {
		return "'" + cell
	}
	return cell
}

// isNumber says whether a cell is a signed decimal.
func isNumber(cell string) bool {
	digits := strings.TrimPrefix(cell, "-")
	return digits != "" && strings.Trim(digits, "0123456789.") == "" && strings.Count(digits, ".") <= 1 && digits[0] != '.'
}
