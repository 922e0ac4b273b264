package scan

import (
	"bytes"

	"github.com/massrouter/massrouter/domain"
)

// Lookalike refuses a name that differs from a known one in letter case only: a vendor that does not mind the case would read what was
// not admitted.
func (*Scanner) Lookalike(name []byte, known ...string) error {
	for _, k := range known {
		if bytes.EqualFold(name, []byte(k)) {
			return domain.Errorf(domain.CodeInvalid, "%s is written in lower case", k).With("param", k)
		}
	}
	return nil
}
