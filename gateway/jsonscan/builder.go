package jsonscan

// Builder appends JSON to a text, a piece at a time. Whoever uses it answers for the order of the pieces.
type Builder struct{ Dst []byte }

// Raw appends what is JSON already.
func (b *Builder) Raw(text string) { b.Dst = append(b.Dst, text...) }

// Text appends a string, in quotes.
func (b *Builder) Text(text string) { b.Dst = AppendString(b.Dst, text) }

// Comma separates what comes from what went before; open is the length of Dst where the list or object began.
func (b *Builder) Comma(open int) {
	if len(b.Dst) > open {
		b.Dst = append(b.Dst, ',')
	}
}
