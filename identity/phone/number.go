package phone

import (
	"regexp"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

// Number is a telephone number in its international form (E.164): +8613800138000.
type Number string

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// ParseNumber reads a number as it was typed, with spaces, hyphens and brackets. Errors: invalid_request, "phone".
func ParseNumber(typed string) (Number, error) {
	text := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", "\u00a0", "").Replace(typed)
	if rest, ok := strings.CutPrefix(text, "00"); ok {
		text = "+" + rest
	}
	if !e164.MatchString(text) {
		return "", domain.Errorf(domain.CodeInvalid, "a telephone number is in its international form, such as +8613800138000").With("param", "phone")
	}
	return Number(text), nil
}

// Chinese says whether a number is of mainland China, where every message is a template that was approved.
func (n Number) Chinese() bool { return strings.HasPrefix(string(n), "+86") && len(n) == 14 }

// Masked is the number for its owner, who knows the rest: +86*******8000.
func (n Number) Masked() string {
	return string(n[:3]) + strings.Repeat("*", len(n)-7) + string(n[len(n)-4:])
}

var callingCode = regexp.MustCompile(`^[1-9][0-9]{0,6}$`)

// ParseCountries reads calling codes, separated by commas: 86,852,1. Longer ones, such as 1246, are parts of a country. Errors: invalid_request.
func ParseCountries(text string) ([]string, error) {
	all := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	for i, c := range all {
		all[i] = strings.TrimPrefix(c, "+")
		if !callingCode.MatchString(all[i]) {
			return nil, domain.Errorf(domain.CodeInvalid, "calling codes are like 86,852,1")
		}
	}
	return all, nil
}

// country is the longest of the calling codes that the number begins with; "" for none.
func (n Number) country(codes []string) string {
	found := ""
	for _, c := range codes {
		if len(c) > len(found) && strings.HasPrefix(string(n[1:]), c) {
			found = c
		}
	}
	return found
}
