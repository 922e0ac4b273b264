package topic

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/massrouter/massrouter/domain"
)

// Connection is how Kafka is reached.
type Connection struct {
	Brokers []string // host:port; one that answers is enough
	// TLS encrypts. CAFile (PEM) are the authorities to trust instead of the system's; CertFile and KeyFile (PEM) are the
	// client's own certificate, for brokers that ask for one.
	TLS                       bool
	CAFile, CertFile, KeyFile string
	// SASL is how the client names itself; with PLAIN the password goes over the wire, so that needs TLS.
	SASL           SASL
	User, Password string
}

// SASL is a mechanism.
type SASL string

// The mechanisms.
const (
	NoSASL      SASL = ""
	Plain       SASL = "plain"
	ScramSHA256 SASL = "scram-sha-256"
	ScramSHA512 SASL = "scram-sha-512"
)

// Compression of record batches.
type Compression string

// The compressions.
const (
	NoCompression Compression = "none"
	Gzip          Compression = "gzip"
	Snappy        Compression = "snappy"
	LZ4           Compression = "lz4"
	Zstd          Compression = "zstd"
)

var codecs = map[Compression]kafka.Compression{ //nolint:gochecknoglobals // a table
	"": 0, NoCompression: 0, Gzip: kafka.Gzip, Snappy: kafka.Snappy, LZ4: kafka.Lz4, Zstd: kafka.Zstd,
}

// clientID is what the broker's log and quotas call us.
const clientID = "massrouter-export"

func (c *Connection) check() error {
	if len(c.Brokers) == 0 {
		return domain.Errorf(domain.CodeInvalid, "the brokers are missing: HOST:PORT, more than one with commas between them")
	}
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			return domain.Errorf(domain.CodeInvalid, "%q is no broker: HOST:PORT", b)
		}
	}
	switch c.SASL {
	case NoSASL:
		if c.User != "" || c.Password != "" {
			return domain.Errorf(domain.CodeInvalid, "a user and a password need a SASL mechanism")
		}
	case Plain, ScramSHA256, ScramSHA512:
		if c.User == "" || c.Password == "" {
			return domain.Errorf(domain.CodeInvalid, "SASL needs a user and a password")
		}
		if c.SASL == Plain && !c.TLS {
			return domain.Errorf(domain.CodeInvalid, "SASL plain without TLS would show the password to everybody on the way")
		}
	default:
		return domain.Errorf(domain.CodeInvalid, "%q is no SASL mechanism: plain, scram-sha-256 or scram-sha-512", c.SASL)
	}
	if !c.TLS && (c.CAFile != "" || c.CertFile != "" || c.KeyFile != "") {
		return domain.Errorf(domain.CodeInvalid, "certificates are given, and TLS is off")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return domain.Errorf(domain.CodeInvalid, "a client's certificate and its key belong together")
	}
	return nil
}

func (c *Connection) transport() (*kafka.Transport, error) {
	t := &kafka.Transport{ClientID: clientID}
	var err error
	if c.TLS {
		if t.TLS, err = c.tlsConfig(); err != nil {
			return nil, err
		}
	}
	t.SASL, err = c.mechanism()
	return t, err
}

func (c *Connection) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the authorities for Kafka: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, domain.Errorf(domain.CodeInvalid, "%s holds no certificate in PEM", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read the client's certificate for Kafka: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (c *Connection) mechanism() (sasl.Mechanism, error) {
	var algorithm scram.Algorithm
	switch c.SASL {
	case NoSASL:
		return nil, nil //nolint:nilnil // none is a mechanism
	case Plain:
		return plain.Mechanism{Username: c.User, Password: c.Password}, nil
	case ScramSHA256:
		algorithm = scram.SHA256
	case ScramSHA512:
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, c.User, c.Password)
	if err != nil {
		return nil, errors.New("the user or the password for Kafka cannot be used with SCRAM") // the cause may hold them
	}
	return m, nil
}

// ParseBrokers splits a list at its commas.
func ParseBrokers(text string) []string { return splitList(text) }

func splitList(text string) []string {
	var all []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
