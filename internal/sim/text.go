package sim

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
)

// words holds the 256 words of the simulated text. Each is one o200k token behind a space; those of the first half are one
// token at the beginning of a text too. Some need escapes in JSON or more than one byte in UTF-8.
const words = `the of and to in is that for it as was with be by on not he his but at are this have from or had an they which ` +
	`one you were all her she there would their we him been has when who will no more if out so up said what its about than ` +
	`into them can only other time new some could these two may first then do any like my now over such our man me even most ` +
	`made after also did many off before must well back through years much where your way down should because long each just ` +
	`state those people too how little good world make very year still see work life under against right three last next ` +
	`again high used use part small place found house day number night point water light hand room head side form group city ` +
	`kind river stone bridge garden window paper music table market forest summer winter green blue white black open close ` +
	`early late north south east west line field letter story question answer reason change order plan design build test value ` +
	`price count exact record event balance total ledger proof signal route stream vendor model token prompt simple clear quick ` +
	`steady quiet strong warm cold deep wide short fresh bright soft heavy carbon silver gold iron glass wood salt apple bread ` +
	`coffee tea rice corn über café año 日本 中国 город вода Straße morning copper sugar lemon cotton replay honey & < > " ' / \ = + # %`

const vocabularySize = 256

// vocabulary maps a token's number to its text, with the space before it, inside a JSON string.
type vocabulary [vocabularySize]string

// newVocabulary makes the vocabulary for strings in strings, as deep as it is told.
func newVocabulary(depth int) *vocabulary {
	v := new(vocabulary)
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, word := range strings.Fields(words)[:vocabularySize] {
		for range depth {
			word = quote.Replace(word)
		}
		v[i] = " " + word
	}
	return v
}

// A stamp is the time in nanoseconds since 1970, between these; they stand nowhere else in the text.
const stampOpen, stampClose = '@', ';'

// sequence yields the tokens of one choice.
type sequence struct {
	state uint64
	begun bool
	stamp bool // the next token says when it was made
}

// newSequence mixes what the text depends on.
func newSequence(model string, messages uint64, seed int64, choice int) sequence {
	state := mix(xxhash.Sum64String(model) ^ mix(messages))
	state = mix(state ^ uint64(seed))                   //nolint:gosec // only the bits matter
	return sequence{state: mix(state + uint64(choice))} //nolint:gosec // a choice's number is small
}

// appendNext appends the next token, escaped for a JSON string.
func (q *sequence) appendNext(b []byte, v *vocabulary) []byte {
	q.state += 0x9e3779b97f4a7c15
	bits := mix(q.state)
	if q.stamp {
		q.stamp = false
		b = append(b, stampOpen)
		b = strconv.AppendInt(b, time.Now().UnixNano(), 10)
		b = append(b, stampClose)
	}
	if !q.begun {
		q.begun = true
		return append(b, v[bits%(vocabularySize/2)][1:]...)
	}
	return append(b, v[bits%vocabularySize]...)
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// wordTokens is how many tokens n bytes of text count for in a prompt.
func wordTokens(n int64) int64 { return (n + 3) / 4 }

// plain says whether a model's name can stand in JSON and in a log as it is.
func plain(name string) bool {
	for _, r := range name {
		if r <= ' ' || r >= utf8.RuneSelf-1 || r == '"' || r == '\\' {
			return false
		}
	}
	return name != ""
}
