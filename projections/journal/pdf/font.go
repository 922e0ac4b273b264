package pdf

import (
	_ "embed" // a font
	"fmt"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

//go:embed font/DroidSansFallbackFull.ttf
var droid []byte

// face is a font.
type face struct {
	name   string
	data   []byte
	parsed *sfnt.Font
	buffer *sfnt.Buffer
}

// faces are the fonts in the order in which they are asked for a character: one for Latin, Greek and Cyrillic letters, digits
// and punctuation, and one for Chinese, Japanese and Korean.
func faces() ([]face, error) {
	all := []face{{name: "go", data: goregular.TTF}, {name: "droid", data: droid}}
	for i := range all {
		var err error
		if all[i].parsed, err = sfnt.Parse(all[i].data); err != nil {
			return nil, fmt.Errorf("read the font %s: %w", all[i].name, err)
		}
		all[i].buffer = &sfnt.Buffer{}
	}
	return all, nil
}

// has says whether the font can show a character.
func (f *face) has(r rune) bool {
	index, err := f.parsed.GlyphIndex(f.buffer, r)
	return err == nil && index != 0
}
