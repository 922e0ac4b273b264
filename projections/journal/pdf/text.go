package pdf

// padding is kept free at both sides of a cell, in millimetres.
const padding = 1

// run is a part of a text in one font.
type run struct {
	face string
	text string
}

// runs gives each character to the first font that has it.
func (d *document) runs(text string) []run {
	var out []run
	for _, r := range text {
		name, r := d.face(r)
		if n := len(out); n > 0 && out[n-1].face == name {
			out[n-1].text += string(r)
		} else {
			out = append(out, run{name, string(r)})
		}
	}
	return out
}

// face is the font of a character. What no font has becomes an empty box, as does what lies beyond Unicode's first plane,
// which the library's fonts do not reach.
func (d *document) face(r rune) (string, rune) {
	const firstPlane, box = 0xffff, '□'
	if r <= firstPlane {
		for i := range d.fonts {
			f := &d.fonts[i]
			if f.has(r) {
				return f.name, r
			}
		}
	}
	return d.fonts[0].name, box
}

// width is that of a text in the current size, in millimetres.
func (d *document) width(text string) float64 {
	width := 0.0
	for _, run := range d.runs(text) {
		d.SetFont(run.face, "", d.size)
		width += d.GetStringWidth(run.text)
	}
	return width
}

// cell prints a text on one line, L, C or R in its width, and moves to the right of it.
func (d *document) cell(width, height float64, text, align string, fill bool) {
	x, y := d.GetXY()
	d.SetFont(d.fonts[0].name, "", d.size)
	d.CellFormat(width, height, "", "", 0, "", fill, 0, "")
	at := x + padding
	switch free := width - 2*padding - d.width(text); align {
	case "R":
		at += free
	case "C":
		at += free / 2
	}
	d.SetXY(at, y)
	for _, run := range d.runs(text) {
		d.SetFont(run.face, "", d.size)
		d.CellFormat(d.GetStringWidth(run.text), height, run.text, "", 0, "L", false, 0, "")
	}
	d.SetXY(x+width, y)
}

// cut shortens a text to a width.
func (d *document) cut(text string, width float64) string {
	if d.width(text) <= width {
		return text
	}
	characters := []rune(text)
	low, high := 0, len(characters) // the most characters that fit lie between
	for low < high {
		middle := (low + high + 1) / 2
		if d.width(string(characters[:middle])+"…") <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return string(characters[:low]) + "…"
}

// number prints a value whole: one that is too wide is printed smaller.
func (d *document) number(width, height float64, value, align string) {
	size := d.size
	for d.size > smallest && d.width(value) > width-2*padding {
		d.size -= 0.25
	}
	d.cell(width, height, value, align, false)
	d.size = size
}
