package openai

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/meter"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Canonical reads what vendors of this dialect answer into the canonical form. It is a chat.Reader and has no state.
//
// Thoughts are taken from reasoning_details where a vendor sends them, else from "reasoning" or "reasoning_content". An answer's
// sound has no place here: no canonical request asks for it.
type Canonical struct{}

var _ chat.Reader = Canonical{}

// Answer reads a whole answer. Whatever has no list of choices is none.
func (Canonical) Answer(body []byte) (*chat.Answer, error) {
	s := new(scan.Scanner)
	s.Lenient(body)
	a, m, listed := new(chat.Answer), new(message), false
	if s.Kind() != '{' {
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is not a JSON object")
	}
	err := s.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			a.ID, err = s.String()
		case "created":
			a.Created, _, err = s.Whole(0, maxTime)
		case "usage":
			err = readReport(s, &a.Report)
		case "service_tier":
			a.Report.Tier, err = s.String()
		case "choices":
			listed = listed || s.Kind() == '['
			err = s.Array(func(i int) error {
				c, err := m.choice(s, "message", i, &a.Report)
				if err == nil {
					a.Choices = append(a.Choices, chat.Choice{Index: c.index, Parts: m.parts(), Finish: finishOf(c.finish, len(m.calls) > 0), Native: c.native()})
				}
				return err
			})
		default:
			err = s.Skip()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !listed:
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is no chat completion")
	}
	return a, s.End()
}

// maxTime is the latest time that is taken for one: the year 9999.
const maxTime = 253402300799

// Failure reads the body of an answer whose status says that it failed; nil when there is no error in it.
func (Canonical) Failure(body []byte) *chat.Failure {
	var r Reader
	return r.Failure(body).canonical()
}

func (f *Failure) canonical() *chat.Failure {
	if f == nil {
		return nil
	}
	return &chat.Failure{Type: f.Type, Code: f.Code, Message: f.Message, Param: f.Param}
}

// readFailure reads an error object; nil for null.
func readFailure(s *scan.Scanner) (*chat.Failure, error) {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return nil, err
	}
	var r Reader
	r.Lenient(raw)
	f, err := r.failure()
	return f.canonical(), err
}

// readReport reads usage; null leaves the report as it was.
func readReport(s *scan.Scanner, u *meter.Report) error {
	raw, err := s.Raw()
	if err != nil || raw == nil {
		return err
	}
	var r Reader
	r.Lenient(raw)
	_, err = r.report(u)
	return err
}
