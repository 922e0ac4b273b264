package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/http/middleware"
)

// Protect is who may send requests, how many, and over what.
type Protect struct {
	TLSCert        string `env:"MASSROUTER_TLS_CERT_FILE" doc:"PEM file of the API's certificate and its chain. With it the API answers TLS 1.3 only. The file is read again when it changes." used:"serve dev"`
	TLSKey         string `env:"MASSROUTER_TLS_KEY_FILE" doc:"PEM file of the certificate's private key." used:"serve dev"`
	InsecureHTTP   bool   `env:"MASSROUTER_INSECURE_HTTP" doc:"true lets the API answer plain HTTP on an address that is not loopback: for a private network in which something else ends TLS." used:"serve"`
	TrustedProxies string `env:"MASSROUTER_TRUSTED_PROXIES" doc:"Networks or addresses of the proxies in front, separated by commas. Their X-Forwarded-For and X-Forwarded-Proto are believed, nobody else's. Behind a proxy that is not here, all requests seem to come from it." used:"serve dev"`
	RulesFile      string `env:"MASSROUTER_ADDRESS_RULES_FILE" doc:"File with one rule a line: deny, allow or console and a network or an address. deny refuses all requests, the first allow refuses all others, the first console refuses the console to all others. Read again when it changes; a file that is wrong changes nothing." used:"serve dev"`
	AddressRate    int64  `env:"MASSROUTER_LIMIT_ADDRESS" doc:"Requests a minute from one address (a /64 of IPv6; a /48 has eight times as many), decided by each process about its share. 0: no limit. Loopback is not limited." used:"serve dev"`
	ConsoleRate    int64  `env:"MASSROUTER_LIMIT_CONSOLE" doc:"The same for requests to the console." used:"serve dev"`
	SignInRate     int64  `env:"MASSROUTER_LIMIT_SIGN_IN" doc:"The same for signing in, signing up and all else below /console/v1/auth, in all processes together." used:"serve dev"`
	UserRate       int64  `env:"MASSROUTER_LIMIT_USER" doc:"Requests a minute to the console of one person who has signed in, in all processes together. 0: no limit." used:"serve dev"`
	KeyQueryRate   int64  `env:"MASSROUTER_LIMIT_KEY_QUERIES" doc:"Requests a minute of one API key that are no calls of models, such as /api/v1/credits, decided by each process about its share. 0: no limit. Calls have the key's own limits." used:"serve dev"`
	Firewall       string `env:"MASSROUTER_FIREWALL" doc:"Web application firewall with the OWASP core rules before the console: off, detect (only logs) or block. Not before calls of models: a prompt may say anything. See security.md." used:"serve dev"`
}

// What the firewall does.
const (
	FirewallOff    = "off"
	FirewallDetect = "detect"
	FirewallBlock  = "block"
)

const maxRate = 1_000_000_000

func (c Protect) validate(p *Problems, role Role, listen string) {
	_, err := c.Proxies()
	p.add(err == nil, "MASSROUTER_TRUSTED_PROXIES", "%v", err)
	for name, rate := range map[string]int64{
		"MASSROUTER_LIMIT_ADDRESS": c.AddressRate, "MASSROUTER_LIMIT_CONSOLE": c.ConsoleRate, "MASSROUTER_LIMIT_SIGN_IN": c.SignInRate,
		"MASSROUTER_LIMIT_USER": c.UserRate, "MASSROUTER_LIMIT_KEY_QUERIES": c.KeyQueryRate,
	} {
		p.add(rate >= 0 && rate <= maxRate, name, "%d is not between 0 and %d", rate, maxRate)
	}
	p.add(slices.Contains([]string{FirewallOff, FirewallDetect, FirewallBlock}, c.Firewall), "MASSROUTER_FIREWALL", "%q is none of off, detect, block", c.Firewall)
	p.add((c.TLSCert == "") == (c.TLSKey == ""), "MASSROUTER_TLS_CERT_FILE", "and MASSROUTER_TLS_KEY_FILE are set together")
	if c.TLSCert != "" && c.TLSKey != "" {
		_, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		p.add(err == nil, "MASSROUTER_TLS_CERT_FILE", "%v", err)
	}
	if c.RulesFile != "" {
		_, err := ReadRules(c.RulesFile)
		p.add(err == nil, "MASSROUTER_ADDRESS_RULES_FILE", "%v", err)
	}
	p.add(role != RoleServe || c.TLSCert != "" || c.InsecureHTTP || isLoopback(listen), "MASSROUTER_LISTEN",
		"%s is not loopback: set MASSROUTER_TLS_CERT_FILE and MASSROUTER_TLS_KEY_FILE, or MASSROUTER_INSECURE_HTTP=true where something in front ends TLS", listen)
}

// Proxies are the trusted ones.
func (c Protect) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range strings.FieldsFunc(c.TrustedProxies, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := middleware.ParseNetwork(text)
		if err != nil {
			return nil, err //nolint:wrapcheck // it says all
		}
		networks = append(networks, n)
	}
	return networks, nil
}

const maxRulesFile = 8 << 20 // bytes

// ReadRules reads a file of rules.
func ReadRules(path string) (middleware.Rules, error) {
	info, err := os.Stat(path)
	if err != nil {
		return middleware.Rules{}, fmt.Errorf("look at the rules: %w", err)
	}
	if info.Size() > maxRulesFile {
		return middleware.Rules{}, fmt.Errorf("%s has more than %d bytes", path, maxRulesFile)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return middleware.Rules{}, fmt.Errorf("read the rules: %w", err)
	}
	return middleware.ParseRules(string(text)) //nolint:wrapcheck // it says all
}

func isLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return true // said already
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
