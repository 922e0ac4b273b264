package kafkatest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/massrouter/massrouter/internal/daemon"
)

// Secure is a listener with TLS whose clients name themselves by SCRAM-SHA-512 or PLAIN.
type Secure struct {
	Address        string // host:port
	CAFile         string // PEM; the certificate is its own authority
	User, Password string
	port           int
	keystore       string
}

// Secure returns the broker's secure listener; nil without Options.Secure, and with a broker that is not Kafka.
func (b *Broker) Secure() *Secure { return b.secure }

func newSecure(ctx context.Context, dir string) (*Secure, error) {
	port := daemon.Port(ctx)
	s := &Secure{
		Address: "127.0.0.1:" + strconv.Itoa(port), port: port, User: "exporter", Password: rand.Text(),
		CAFile: filepath.Join(dir, "ca.pem"), keystore: filepath.Join(dir, "keystore.pem"),
	}
	return s, s.certify()
}

// certify makes a key and a certificate for this machine.
func (s *Secure) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the broker's key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kafkatest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make the broker's certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write the broker's key: %w", err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(s.CAFile, certificate, 0o600); err != nil {
		return fmt.Errorf("write the broker's certificate: %w", err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), certificate...)
	if err := os.WriteFile(s.keystore, both, 0o600); err != nil {
		return fmt.Errorf("write the broker's key: %w", err)
	}
	return nil
}

// configure adds the listener to a broker's settings.
func (s *Secure) configure(settings map[string]string) {
	settings["listeners"] += ",SECURE://" + s.Address
	settings["advertised.listeners"] += ",SECURE://" + s.Address
	settings["listener.security.protocol.map"] += ",SECURE:SASL_SSL"
	const name = "listener.name.secure."
	settings[name+"ssl.keystore.type"] = "PEM"
	settings[name+"ssl.keystore.location"] = s.keystore
	settings["sasl.enabled.mechanisms"] = "SCRAM-SHA-512,PLAIN"
	settings[name+"sasl.enabled.mechanisms"] = "SCRAM-SHA-512,PLAIN"
	settings[name+"scram-sha-512.sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	settings[name+"plain.sasl.jaas.config"] = "org.apache.kafka.common.security.plain.PlainLoginModule required user_" +
		s.User + "=\"" + s.Password + "\";"
}
