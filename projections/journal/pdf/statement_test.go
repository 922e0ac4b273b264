package pdf_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/journal/pdf"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

// statement has so many top-ups of one cent, with these texts as reasons of the first ones.
func statement(t *testing.T, n int, texts ...string) *journal.Statement {
	t.Helper()
	k := pt.New(t, pgtest.New(t))
	s := wallet.New()
	opened, err := s.Open(wallet.Open{WalletID: pt.ID(1), Owner: "o", Currency: "CNY"})
	require.NoError(t, err)
	s.Apply(opened, k.Now)
	facts := pt.Wallet(pt.ID(1), opened)
	for i := range n {
		reason := "r"
		if i < len(texts) {
			reason = texts[i]
		}
		credit, err := s.TopUp(wallet.TopUp{Amount: pt.Money("0.01"), Currency: "CNY", PSP: "operator", Reason: reason})
		require.NoError(t, err)
		s.Apply(credit, k.Now)
		facts = append(facts, pt.Wallet(pt.ID(1), credit)...)
	}
	k.Append(t.Context(), t, facts)
	k.ToEnd(t.Context(), t, 0, journal.Projection{})
	made, err := journal.NewQuery(k.Pool).Statement(t.Context(), journal.StatementRequest{WalletID: pt.ID(1), From: k.Now, To: k.Now.Add(time.Hour)})
	require.NoError(t, err)
	return made
}

// content is what the pages show, as far as text goes: the streams of a PDF (ISO 32000-1, 7.3.8) inflated, with the escapes of
// strings (7.3.4.2) resolved.
func content(t *testing.T, document []byte) string {
	t.Helper()
	var out strings.Builder
	for _, part := range regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`).FindAllSubmatch(document, -1) {
		r, err := zlib.NewReader(bytes.NewReader(part[1]))
		if err != nil {
			continue // not a deflated one
		}
		text, err := io.ReadAll(r)
		if err == nil {
			out.Write(text)
		}
	}
	return strings.NewReplacer(`\\`, `\`, `\(`, `(`, `\)`, `)`, `\r`, "\r").Replace(out.String())
}

// shown is a text as a page's content has it: UTF-16, the higher byte first.
func shown(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return string(b)
}

func TestStatementOnPaper(t *testing.T) {
	t.Parallel()
	s := statement(t, 120, "微信充值", "Überweisung №7", "smile 😀 end", strings.Repeat("很长", 60))
	for language, words := range map[pdf.Language][]string{
		pdf.English: {"Account statement", "Opening balance", "Closing balance", "Top-up", "Page 3", "Details"},
		pdf.Chinese: {"账户对账单", "期初余额", "期末余额", "充值", "第", "页", "说明"},
	} {
		var out bytes.Buffer
		require.NoError(t, pdf.Write(t.Context(), &out, s, language))
		require.True(t, bytes.HasPrefix(out.Bytes(), []byte("%PDF-")))
		require.Less(t, out.Len(), 1<<20, "only the characters that are used are embedded")
		text := content(t, out.Bytes())
		for _, word := range append(words, s.WalletID.String(), "CNY", "2026-03-04 05:06:07", "微信充值", "Überweisung №7", "smile □ end", "很长很长", "…", "0.01", "1.2") {
			require.Contains(t, text, shown(word), "%s: %s", language, word)
		}
		var again bytes.Buffer
		require.NoError(t, pdf.Write(t.Context(), &again, s, language))
		require.Equal(t, out.Bytes(), again.Bytes(), "the same statement, the same bytes")
	}
}

// TestLargestAmountsAreWhole: nothing of a number is cut, however wide it is.
func TestLargestAmountsAreWhole(t *testing.T) {
	t.Parallel()
	s := statement(t, 1)
	s.Opening.Posted, s.Closing.Posted = money.Largest(), money.Largest().Neg()
	var out bytes.Buffer
	require.NoError(t, pdf.Write(t.Context(), &out, s, pdf.English))
	require.Contains(t, content(t, out.Bytes()), shown("-999999999999999999.999999999999"))
}

// TestPapersAtOnce: documents share fonts, which nobody may write into.
func TestPapersAtOnce(t *testing.T) {
	t.Parallel()
	s := statement(t, 120, "微信充值", "Überweisung №7", "smile 😀 end", strings.Repeat("很长", 60))
	papers := make([]bytes.Buffer, 8)
	var group errgroup.Group
	for i := range papers {
		group.Go(func() error { return pdf.Write(t.Context(), &papers[i], s, pdf.English) })
	}
	require.NoError(t, group.Wait())
	for i := range papers {
		require.Equal(t, papers[0].Bytes(), papers[i].Bytes())
	}
}

func TestPaperHasBounds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := pdf.Write(t.Context(), &out, statement(t, pdf.MaxLines+1), pdf.English)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	require.Zero(t, out.Len())
	require.NoError(t, pdf.Write(t.Context(), &out, statement(t, 1), pdf.English))
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pdf.Language{"": pdf.English, "en": pdf.English, "zh": pdf.Chinese} {
		got, err := pdf.ParseLanguage(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"EN", "de", "zh-Hans"} {
		_, err := pdf.ParseLanguage(text)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
}
