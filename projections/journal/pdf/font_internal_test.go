package pdf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryCharacterHasAFont: of the documents' own words and of what numbers, times and usual texts are made of.
func TestEveryCharacterHasAFont(t *testing.T) {
	t.Parallel()
	fonts, err := faces()
	require.NoError(t, err)
	d := &document{fonts: fonts}
	for _, language := range []Language{English, Chinese} {
		l := language.labels()
		texts := []string{
			l.title, l.wallet, l.period, l.currency, l.asOf, l.opening, l.topUps, l.grants, l.adjustments, l.charges, l.closing, l.held, l.time,
			l.kind, l.detail, l.amount, l.balance, l.page, l.utc, l.empty, "0123456789-.:–…·□#()", "ÄÖÜäöüßéèñçøåŁžșğ", "ПриветΑθήνα", "退款（补偿），订单№７：微信支付「测试」",
		}
		for _, kind := range l.kinds {
			texts = append(texts, kind)
		}
		for _, text := range texts {
			require.NotEmpty(t, text)
			shown := ""
			for _, run := range d.runs(text) {
				for i := range fonts {
					if fonts[i].name == run.face {
						for _, r := range run.text {
							require.True(t, fonts[i].has(r), "%q of %q", r, text)
						}
					}
				}
				shown += run.text
			}
			require.Equal(t, text, shown)
		}
	}
	require.Equal(t, []run{{"go", "a□"}}, d.runs("a😀"))
	require.Equal(t, []run{{"go", "1 "}, {"droid", "元"}, {"go", " x"}}, d.runs("1 元 x"))
}
