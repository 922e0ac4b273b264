package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Setting describes one variable.
type Setting struct {
	Group   string
	Field   string // the Go field
	Name    string // the variable
	Kind    string // "text", "number", "duration", "secret"
	Default string
	Doc     string
	Used    string // the subcommands that read it
	Secret  bool
}

// Settings lists every variable in the order of the struct.
func Settings() []Setting {
	defaults := Default()
	var all []Setting
	root := reflect.ValueOf(defaults)
	for i := range root.NumField() {
		title := root.Type().Field(i).Tag.Get("title")
		group := root.Field(i)
		for j := range group.NumField() {
			field := group.Type().Field(j)
			if name := field.Tag.Get("env"); name != "" {
				all = append(all, setting(title, name, field, group.Field(j)))
			}
		}
	}
	return all
}

func setting(title, name string, field reflect.StructField, value reflect.Value) Setting {
	s := Setting{Group: title, Field: field.Name, Name: name, Doc: field.Tag.Get("doc"), Used: field.Tag.Get("used")}
	switch field.Type.String() {
	case "config.Secret":
		s.Kind, s.Secret = "secret", true
	case "time.Duration":
		s.Kind = "duration"
	case "int", "int64":
		s.Kind = "number"
	case "bool":
		s.Kind = "boolean"
	default:
		s.Kind = "text"
	}
	if !value.IsZero() {
		s.Default = fmt.Sprint(value.Interface())
	}
	return s
}

const intro = `# Configuration

Generated from the Config struct by ` + "`massrouter docs config`" + `; do not edit.

Everything is set by environment variables. A **secret** can also come from a file: set the name with ` + "`_FILE`" + ` added to
the file's path (one trailing line break is dropped). Secrets are never logged and never written into an event. An empty
variable counts as not set. A subcommand checks everything that it uses before it starts, and reports all problems at once.

Vendors' API keys are ` + "`MASSROUTER_VENDOR_KEY_<VENDOR>`" + ` (the vendor's id in upper case, with ` + "`_`" + ` for ` + "`-`" + ` and ` + "`.`" + `;
or the same with ` + "`_FILE`" + `), or all in the file that ` + "`MASSROUTER_VENDOR_KEYS_FILE`" + ` names. A variable wins over the file.
A vendor may have several keys, with commas between them or as a JSON list: gateway.md, Keys.
`

// WriteTable writes docs/configuration.md.
func WriteTable(w io.Writer) error {
	var b strings.Builder
	b.WriteString(intro)
	group := ""
	for _, s := range Settings() {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| name | kind | default | used by | meaning |\n|---|---|---|---|---|\n", group)
		}
		shown := "–"
		if s.Default != "" {
			shown = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.Kind, shown, s.Used, s.Doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
