package password

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/data"
	"golang.org/x/text/unicode/norm"

	"github.com/massrouter/massrouter/domain"
)

// Lengths of new passwords, in characters; NIST SP 800-63B asks for at least 8 and room for at least 64.
const (
	MinLength = 8
	MaxLength = 128
)

// common are the passwords that are used most, in lower case: the list that zxcvbn counts by.
var common = sync.OnceValues(func() (map[string]struct{}, error) { //nolint:gochecknoglobals // read once, when it is needed
	raw, err := data.Asset("data/Passwords.json")
	if err != nil {
		return nil, fmt.Errorf("open the list of common passwords: %w", err)
	}
	var list struct{ List []string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read the list of common passwords: %w", err)
	}
	all := make(map[string]struct{}, len(list.List))
	for _, word := range list.List {
		all[strings.ToLower(word)] = struct{}{}
	}
	return all, nil
})

// Normal is the form in which passwords are hashed: what two keyboards type differently for the same characters is the same (NFKC, as RFC 8265's
// OpaqueString asks for of spaces and width).
func Normal(password string) string { return norm.NFKC.String(password) }

// CheckNew says whether a new password, in its Normal form, may be one: long enough, and nothing that is guessed first. known are words that an
// attacker knows of the account: its address, its name. There are no rules of composition. Errors: password_weak, whose message says why.
func CheckNew(password string, known ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return weak("a password is text in UTF-8")
	case n < MinLength:
		return weak("a password has at least %d characters", MinLength)
	case n > MaxLength:
		return weak("a password has at most %d characters", MaxLength)
	case strings.ContainsFunc(password, unicode.IsControl):
		return weak("a password has no control characters")
	}
	words, err := common()
	if err != nil {
		return err
	}
	lower := strings.ToLower(password)
	bare := strings.TrimFunc(lower, func(c rune) bool { return !unicode.IsLetter(c) }) // summer2026! is summer
	_, listed := words[lower]
	_, decorated := words[bare]
	switch {
	case listed:
		return weak("this password is one of those that are tried first")
	case decorated && n < 12:
		return weak("this password is a common one with digits or signs around it: make it longer or choose another")
	case distinct(lower) < 4:
		return weak("this password has too few different characters")
	case isRun(lower):
		return weak("this password is a row of characters that follow each other")
	}
	for _, word := range append(known, "massrouter") {
		word = strings.ToLower(Normal(word))
		if utf8.RuneCountInString(word) >= 4 && strings.Contains(lower, word) && n < utf8.RuneCountInString(word)+6 {
			return weak("this password is made of what others know of you: add to it or choose another")
		}
	}
	return nil
}

// CodeWeak is of passwords that are too easy to guess.
const CodeWeak domain.Code = "password_weak"

func weak(format string, args ...any) error {
	return domain.Errorf(CodeWeak, format, args...).With("param", "password")
}

func distinct(text string) int {
	seen := map[rune]struct{}{}
	for _, c := range text {
		seen[c] = struct{}{}
	}
	return len(seen)
}

// isRun says whether each character follows the one before it, up or down: abcdefgh, 87654321.
func isRun(text string) bool {
	all := []rune(text)
	for _, step := range []rune{1, -1} {
		run := true
		for i := 1; i < len(all) && run; i++ {
			run = all[i] == all[i-1]+step
		}
		if run {
			return true
		}
	}
	return false
}
