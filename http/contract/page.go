package contract

import "github.com/massrouter/massrouter/domain"

// MaxLimit is how many items a page of a list of the console has at most, unless its operation says otherwise.
const MaxLimit = 200

// Limit is the caller's bound of a list, which is at most so many; 0 when there is none. Errors: invalid_request.
func Limit(given *int, most int) (int, error) {
	if given == nil {
		return 0, nil
	}
	if *given < 1 || *given > most {
		return 0, domain.Errorf(domain.CodeInvalid, "limit is between 1 and %d", most).With("parameter", "limit")
	}
	return *given, nil
}
