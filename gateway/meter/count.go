package meter

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

const (
	// block is how much text is tokenised at once: merging pairs takes the square of a word's length.
	block = 2 << 10
	// maxBlocks bounds the text that is tokenised at all: of a longer one, so many blocks that lie evenly in it.
	maxBlocks = 128
)

// Counter counts tokens of the o200k vocabulary, which stands in for every model's own. It loads its tables when it is
// first asked, and works for one caller at a time: estimates are rare, and must not take the processor from the calls
// that need none. The zero value is ready.
type Counter struct {
	mu    sync.Mutex
	codec tokenizer.Codec
}

// Count is the number of tokens of a text.
func (c *Counter) Count(text string) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codec == nil {
		codec, err := tokenizer.Get(tokenizer.O200kBase)
		if err != nil {
			return 0, fmt.Errorf("load the tokenizer: %w", err)
		}
		c.codec = codec
	}
	if len(text) > maxBlocks*block {
		return c.sample(text)
	}
	var tokens int64
	for rest := text; rest != ""; {
		var piece string
		piece, rest = cut(rest)
		n, err := c.count(piece)
		if err != nil {
			return 0, err
		}
		tokens += n
	}
	return tokens, nil
}

// sample counts blocks that lie evenly in the text and takes the rest to be of the same density, rounded up.
func (c *Counter) sample(text string) (int64, error) {
	var counted, tokens int64
	for i := range maxBlocks {
		from := i * (len(text) / maxBlocks)
		for from > 0 && !utf8.RuneStart(text[from]) {
			from--
		}
		piece, _ := cut(text[from:])
		n, err := c.count(piece)
		if err != nil {
			return 0, err
		}
		counted += int64(len(piece))
		tokens += n
	}
	return scale(tokens, counted, int64(len(text))), nil
}

func (c *Counter) count(piece string) (int64, error) {
	n, err := c.codec.Count(piece)
	if err != nil {
		return 0, fmt.Errorf("count tokens: %w", err)
	}
	return int64(n), nil
}

// cut takes a block off a text, before a blank if there is one in the block's second half: there the tokenizer splits
// anyway.
func cut(text string) (piece, rest string) {
	if len(text) <= block {
		return text, ""
	}
	at := block
	if i := strings.LastIndexByte(text[block/2:block], ' '); i >= 0 {
		return text[:block/2+i], text[block/2+i:]
	}
	for at > block/2 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at], text[at:]
}

// scale is how many tokens a whole has of which a part was counted, rounded up.
func scale(tokens, counted, whole int64) int64 {
	if counted == 0 {
		return whole // nothing is known: a token for each byte is the most
	}
	return (tokens*whole + counted - 1) / counted
}
