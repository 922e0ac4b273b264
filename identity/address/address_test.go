package address_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity/address"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ann@example.com":              "ann@example.com",
		" Ann.Smith+x@EXAMPLE.com ":    "ann.smith+x@example.com",
		"a@bücher.example":             "a@xn--bcher-kva.example",
		"a@BÜCHER.example":             "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":      "a@xn--bcher-kva.example",
		"a@例子.测试":                      "a@xn--fsqu00a.xn--0zwm56d",
		"a@example。com":                "a@example.com", // the full stop of another script is a dot
		"a@ｅｘａｍｐｌｅ.com":                "a@example.com",
		"a@аpple.com":                  "a@xn--pple-43d.com", // with a Cyrillic letter: another name, and seen as one
		"o'neil/x=1@a-b.example.co.uk": "o'neil/x=1@a-b.example.co.uk",
	} {
		got, err := address.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, string(got), text)
		again, err := address.Parse(string(got))
		require.NoError(t, err, text)
		require.Equal(t, got, again, text)
	}
	long := strings.Repeat("x", 64)
	for _, text := range []string{
		"", "@", "a@", "@example.com", "a", "a b@example.com", "a@exa mple.com", "a@example", "a@localhost", "a@127.0.0.1", "a@[127.0.0.1]", "a@1.2", `"a"@example.com`,
		"a..b@example.com", ".a@example.com", "a.@example.com", "a@b@example.com", "a@-x.com", "a@x-.com", "a@x..com", "a@.com", "a@example.com.", "a@exam_ple.com",
		"a\r\nBcc: b@example.com", "a@example.com\r\nBcc: b@x.com", "a\x00@example.com", "аnn@example.com", "a\u200b@example.com", "a@exam\u200bple.com\u202e",
		"\u202ea@example.com", "a@example.com\t", "a,b@example.com", "<a@example.com>", "Ann <a@example.com>", "a;b@example.com", "a@example.com,b@example.com",
		long + "x@example.com", "a@" + long + ".com", long + "@" + strings.Repeat(strings.Repeat("y", 60)+".", 4) + "com", "a@xn--a.com", "a@xn--\u00fc.com",
	} {
		got, err := address.Parse(text)
		require.Error(t, err, "%q is %q", text, got)
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err), text)
		require.NotContains(t, err.Error(), "xn--a", "what was sent is not repeated")
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	e, err := address.Parse("ann.smith@mail.example.com")
	require.NoError(t, err)
	require.Equal(t, "ann.smith", e.Local())
	require.Equal(t, "mail.example.com", e.Domain())
	require.Equal(t, "a***@m***.com", e.Masked())
}

// FuzzParse: what is taken is one line of ASCII with one mailbox, and stands for itself.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"ann@example.com", "a@bücher.example", "a@xn--bcher-kva.example", "a\r\n@x.y", "a@b@c.d", "\u200ba@b.c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := address.Parse(text)
		if err != nil {
			return
		}
		require.Equal(t, 1, strings.Count(string(e), "@"))
		require.LessOrEqual(t, len(e), 254)
		for _, c := range string(e) {
			require.True(t, c > ' ' && c < 0x7f, "%q", e)
			require.NotContains(t, `"<>()[]\,;:`, string(c))
		}
		again, err := address.Parse(string(e))
		require.NoError(t, err)
		require.Equal(t, e, again)
		_ = e.Masked()
	})
}
