package routing

import (
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const (
	// maxModelName is longer than any model's name, in bytes.
	maxModelName = 200
	maxModels    = 20
)

// IsAuto says whether a name leaves the choice of the model to the platform.
func IsAuto(name string) bool {
	return name == "openrouter/auto" || name == "massrouter/auto" || name == "auto"
}

// ParseModel takes the name of a model apart. known says whether a name is the id of a model as it stands: ids may have colons,
// and a model that is really called author/slug:free is that one. param is the caller's name for it. Errors: invalid_request.
func ParseModel(name, param string, known func(id string) bool) (Model, *domain.Error) {
	if name == "" || len(name) > maxModelName {
		return Model{}, refuse(param, "%s is the name of a model", param)
	}
	if known(name) {
		return Model{ID: name}, nil
	}
	id, suffix, found := cutLast(name, ":")
	if !found {
		return Model{ID: name}, nil
	}
	switch v := Variant(suffix); v {
	case Free, Nitro, Floor:
		return Model{ID: id, Variant: v}, nil
	case "online":
		return Model{}, refuse(param, "the variant :online (web search) is not offered")
	default:
		if known(id) {
			return Model{}, refuse(param, "the variants of a model are :free, :nitro and :floor")
		}
		return Model{ID: name}, nil // whoever looks it up says that there is no such model
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// WithModels says which models are to be tried, in this order: what the caller names as model, and then as models; each counts where it
// stands first. A variant that wishes another strategy than the caller's is refused with code invalid_request: one of both would be
// ignored.
func (p Preferences) WithModels(models []Model) (Preferences, *domain.Error) {
	p.Models = make([]Model, 0, len(models))
	seen := make(map[string]bool, len(models))
	for _, m := range models {
		wish := m.Variant.sort()
		if wish != Balanced && p.Sort != Balanced && wish != p.Sort {
			return p, refuse("provider.sort", "the variant :%s and sort %q contradict each other", m.Variant, p.Sort)
		}
		if wish != Balanced && p.Partition == AcrossModels && p.Sort != wish {
			return p, refuse("provider.sort.partition", "models that are sorted together have one strategy: say it as sort.by, not as :%s", m.Variant)
		}
		if !seen[m.ID] {
			seen[m.ID] = true
			p.Models = append(p.Models, m)
		}
	}
	return p, nil
}

// sortOf is the strategy among the endpoints of one model.
func (p *Preferences) sortOf(m Model) Sort {
	if s := m.Variant.sort(); s != Balanced {
		return s
	}
	return p.Sort
}

func refuse(param, format string, args ...any) *domain.Error {
	e := domain.Errorf(domain.CodeInvalid, format, args...)
	if param == "" {
		return e
	}
	return e.With("param", param)
}
