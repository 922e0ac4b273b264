package audited

import (
	"net/http"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/problem"
)

// answer holds the head of an answer back until the request's entry is kept.
type answer struct {
	http.ResponseWriter
	before   func(status int) error
	instead  func(error) // answers in the place of what must not leave
	begun    bool
	withheld bool
	returned bool // the handler has not panicked
}

// WriteHeader sends the head, once there is an entry.
func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK || a.begun { // news, or the second head, of which the server complains
		if !a.withheld {
			a.ResponseWriter.WriteHeader(status)
		}
		return
	}
	a.begun = true
	if err := a.before(status); err != nil {
		a.withheld = true
		clear(a.Header())
		a.instead(err)
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body; of an answer that is withheld it goes nowhere.
func (a *answer) Write(b []byte) (int, error) {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.withheld {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// FlushError sends what is there.
func (a *answer) FlushError() error {
	if !a.begun {
		a.WriteHeader(http.StatusOK)
	}
	if a.withheld {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush sends what is there.
func (a *answer) Flush() { _ = a.FlushError() } // who wants to know asks for FlushError

// Unwrap is for http.ResponseController: deadlines are the connection's.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// end keeps the entry of a request of which nothing was answered: an empty answer, or a panic, which is answered further out.
func (a *answer) end() {
	if a.begun {
		return
	}
	if !a.returned {
		a.begun = true
		_ = a.before(problem.Status(domain.CodeInternal)) // of a failure no error comes
		return
	}
	a.WriteHeader(http.StatusOK)
}
