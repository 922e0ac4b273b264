package archtest_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// imports reports each direct import, by a package that applies selects, that the rule refuses.
func imports(units []unit, applies func(unit) bool, refused func(importer unit, imported string) bool) []string {
	var found []string
	for _, u := range units {
		if !applies(u) {
			continue
		}
		for _, imported := range u.Imports {
			if refused(u, imported) {
				found = append(found, u.ImportPath+" imports "+imported)
			}
		}
	}
	return found
}

// below says whether an import path is the given one or inside it.
func below(importPath, parent string) bool {
	return importPath == parent || strings.HasPrefix(importPath, parent+"/")
}

func belowAny(importPath string, parents ...string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool { return below(importPath, parent) })
}

func in(rooms ...string) func(unit) bool {
	return func(u unit) bool { return slices.Contains(rooms, u.room()) }
}

// kit says whether a package is for tests only, such as an exported conformance suite.
func kit(importPath string) bool {
	return strings.HasSuffix(path.Base(importPath), "test") || room(importPath) == "internal"
}

// acts says whether a package of the standard library does what the domain may not do itself: read, write,
// log or throw dice. Parsing an address, and offering a value to a database driver, is none of these.
func acts(importPath string) bool {
	if belowAny(importPath, "net/url", "net/netip", "net/mail", "database/sql/driver") {
		return false
	}
	return belowAny(importPath,
		"bufio", "crypto/rand", "database/sql", "io/fs", "log", "math/rand", "net", "os", "syscall", "testing", "unsafe")
}

func TestDomainImportsNothingThatActs(t *testing.T) {
	t.Parallel()
	found := imports(list(t, []string{"domain"}), in("domain"), func(_ unit, imported string) bool {
		return acts(imported)
	})
	require.Empty(t, found)
}

func TestDomainStaysPureThroughItsImports(t *testing.T) {
	t.Parallel()
	allowed := []string{"github.com/shopspring/decimal", "github.com/google/uuid", module + "/domain"}
	var found []string
	for _, u := range list(t, []string{"domain"}, "-deps") {
		switch {
		case !u.Standard && !belowAny(u.ImportPath, allowed...):
			found = append(found, u.ImportPath)
		case belowAny(u.ImportPath, "net/http", "os/exec", "log", "testing") || u.ImportPath == "database/sql":
			found = append(found, u.ImportPath)
		}
	}
	require.Empty(t, found, "the domain reaches these packages")
}

func TestAuditNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	for _, u := range list(t, []string{"audit"}, "-deps") {
		database := belowAny(u.ImportPath, "github.com/jackc/pgx", "github.com/redis/go-redis") || u.ImportPath == "database/sql"
		require.False(t, database,
			"the independent verifier reaches %s", u.ImportPath)
	}
}

func TestOnlyTheWiringReachesMessageBrokers(t *testing.T) {
	t.Parallel()
	brokers := []string{"github.com/ThreeDotsLabs", "github.com/IBM/sarama", "github.com/rabbitmq"}
	reached := 0
	for _, u := range list(t, nil) {
		if !slices.ContainsFunc(u.Deps, func(dep string) bool { return belowAny(dep, brokers...) }) {
			continue
		}
		reached++
		allowed := u.ImportPath == module+"/eventstore/relay/bus" || u.room() == "cmd" || u.room() == "reactors" || kit(u.ImportPath)
		require.True(t, allowed, "%s reaches a message broker's client; events come to it from eventstore", u.ImportPath)
	}
	require.Positive(t, reached)
}

func TestDirectImports(t *testing.T) {
	t.Parallel()
	all := list(t, nil)
	driver := []string{"github.com/jackc/pgx", "github.com/jackc/pgconn", "database/sql", "github.com/golang-migrate/migrate"}
	tests := map[string]struct {
		applies func(unit) bool
		refused func(importer unit, imported string) bool
	}{
		"http neither stores nor reads by itself": {in("http"), func(_ unit, imported string) bool {
			return belowAny(imported, append(driver, module+"/eventstore")...)
		}},
		"commands know no database": {in("commands"), func(_ unit, imported string) bool {
			return belowAny(imported, driver...)
		}},
		"the gateway knows no database, but for kept answers, presets and contents": {func(u unit) bool {
			return u.room() == "gateway" && !kit(u.ImportPath) && u.ImportPath != module+"/gateway/answers" && u.ImportPath != module+"/gateway/preset" &&
				u.ImportPath != module+"/gateway/content" && u.ImportPath != module+"/gateway/hits" && u.ImportPath != module+"/gateway/ownkey"
		}, func(_ unit, imported string) bool {
			return belowAny(imported, append(driver, module+"/eventstore")...)
		}},
		"the store knows no aggregate": {
			func(u unit) bool { return u.room() == "eventstore" && !kit(u.ImportPath) },
			func(_ unit, imported string) bool {
				return room(imported) == "domain" && imported != module+"/domain"
			},
		},
		"projections read events, they command nothing": {in("projections"), func(_ unit, imported string) bool {
			return slices.Contains([]string{"commands", "gateway", "http", "identity", "payments", "reactors"}, room(imported))
		}},
		"reactors react to events: they answer nobody and call no model": {in("reactors"), func(_ unit, imported string) bool {
			only := belowAny(imported, module+"/gateway/seal", // which only encrypts
				module+"/identity/account", module+"/identity/address", module+"/identity/phone", // what people are to be told, and where
				module+"/identity/auditlog") // what they changed
			return slices.Contains([]string{"gateway", "http", "identity", "payments"}, room(imported)) && !only
		}},
		"what moves money does not know who is told of it": {in("domain", "commands", "eventstore", "gateway"), func(_ unit, imported string) bool {
			return room(imported) == "reactors"
		}},
		"nobody imports cmd": {func(u unit) bool { return u.room() != "cmd" }, func(_ unit, imported string) bool {
			return room(imported) == "cmd"
		}},
		"the product uses no test kit, but for the parts of dev in cmd": {
			func(u unit) bool { return !kit(u.ImportPath) },
			func(importer unit, imported string) bool {
				forDev := importer.room() == "cmd" && belowAny(imported, module+"/internal/sim", module+"/internal/pgcluster")
				return room(imported) != "" && kit(imported) && !forDev
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, imports(all, test.applies, test.refused))
		})
	}
}

func TestEveryRoomIsKnown(t *testing.T) {
	t.Parallel()
	known := []string{
		"domain", "commands", "eventstore", "projections", "gateway", "identity", "payments", "reactors", "audit", "http",
		"cmd", "migrations", "internal", "scripts", "deploy", "web",
	}
	for _, u := range list(t, nil) {
		require.Contains(t, known, u.room(), "a new top-level folder needs a decision in docs/adr: %s", u.ImportPath)
	}
}

func TestPackageNamesSayWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	for _, u := range list(t, nil) {
		require.False(t, vague(u.ImportPath), "%s says nothing about what is in it", u.ImportPath)
	}
}

// vague says whether any part of a package's path is a name for a drawer of odds and ends.
func vague(importPath string) bool {
	refused := []string{
		"util", "utils", "common", "helper", "helpers", "model", "models", "type", "types", "base", "misc", "shared", "lib",
	}
	return slices.ContainsFunc(strings.Split(strings.TrimPrefix(importPath, module), "/"), func(part string) bool {
		return slices.Contains(refused, part)
	})
}

func TestRulesFindWhatTheyRefuse(t *testing.T) {
	t.Parallel()
	units := []unit{
		{ImportPath: module + "/domain/money", Imports: []string{"fmt", "net/http"}},
		{ImportPath: module + "/http/query", Imports: []string{"net/http"}},
	}
	found := imports(units, in("domain"), func(_ unit, imported string) bool { return acts(imported) })
	require.Equal(t, []string{module + "/domain/money imports net/http"}, found)
	require.True(t, vague(module+"/gateway/util"))
	require.False(t, vague(module+"/domain/catalog"))
	require.True(t, kit(module+"/eventstore/eventstoretest"))
	require.False(t, kit(module+"/eventstore/postgres"))
}
