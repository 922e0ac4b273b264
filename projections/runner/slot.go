package runner

import (
	"fmt"
	"regexp"
	"strings"
)

// Slot is where a build of a projection lives: a schema. The tables have the same names in each, and a switch moves them.
type Slot string

// The builds that a projection can have at a time. Queries read the live one only.
const (
	Live     Slot = "views"
	Building Slot = "views_building"
	Kept     Slot = "views_kept"

	scratch Slot = "pg_temp" // of one session, gone with it
)

// schemaOfViews finds the schema's name before a dot, bare or quoted, in a statement of a projection.
var schemaOfViews = regexp.MustCompile(`(\bviews|"views")\.`)

// sql is a statement on the tables of the live build as one on those of the slot.
func (s Slot) sql(statement string) string {
	if s == Live {
		return statement
	}
	return schemaOfViews.ReplaceAllLiteralString(statement, string(s)+".")
}

// String is the slot's name for people.
func (s Slot) String() string {
	switch s {
	case Live:
		return "live"
	case Building:
		return "building"
	case Kept:
		return "kept"
	case scratch:
	}
	return "scratch"
}

// Revised is a Projection whose code has changed what it writes into the same tables. A build of another revision than the
// live one's may differ from it. A projection that does not implement it has revision 0.
type Revised interface {
	Projection
	// Revision grows with each such change.
	Revision() int
}

func revisionOf(p Projection) int {
	if r, ok := p.(Revised); ok {
		return r.Revision()
	}
	return 0
}

// baseNames are a projection's tables without their schema.
func baseNames(p Projection) ([]string, error) {
	names := make([]string, 0, len(p.Tables()))
	for _, table := range p.Tables() {
		name, ok := strings.CutPrefix(table, string(Live)+".")
		if !ok || name == "" || strings.Contains(name, ".") {
			return nil, fmt.Errorf("table %q of %s is not in schema %s", table, p.Name(), string(Live))
		}
		names = append(names, name)
	}
	return names, nil
}

func lockName(p Projection, s Slot) string {
	name := fmt.Sprintf("massrouter projection %s v%d", p.Name(), p.Version())
	if s == Live {
		return name
	}
	return name + " " + s.String()
}
