package config

import (
	"slices"

	"github.com/massrouter/massrouter/projections/export/topic"
)

// Kafka is the cluster that the ledger is exported to.
type Kafka struct {
	Brokers  string `env:"MASSROUTER_KAFKA_BROKERS" doc:"Kafka brokers, HOST:PORT with commas between them; one that answers is enough." used:"export kafka"`
	TLS      bool   `env:"MASSROUTER_KAFKA_TLS" doc:"Encrypt connections to Kafka." used:"export kafka"`
	CAFile   string `env:"MASSROUTER_KAFKA_CA_FILE" doc:"PEM file of the authorities to trust instead of the system's." used:"export kafka"`
	CertFile string `env:"MASSROUTER_KAFKA_CERT_FILE" doc:"PEM file of the client's own certificate, for brokers that ask for one." used:"export kafka"`
	KeyFile  string `env:"MASSROUTER_KAFKA_KEY_FILE" doc:"PEM file of that certificate's key." used:"export kafka"`
	SASL     string `env:"MASSROUTER_KAFKA_SASL" doc:"How the client names itself: plain (with TLS only), scram-sha-256 or scram-sha-512." used:"export kafka"`
	User     string `env:"MASSROUTER_KAFKA_USER" doc:"Name for SASL." used:"export kafka"`
	Password Secret `env:"MASSROUTER_KAFKA_PASSWORD" doc:"Password for SASL." used:"export kafka"`
}

func (k Kafka) validate(p *Problems) {
	known := []string{"", string(topic.Plain), string(topic.ScramSHA256), string(topic.ScramSHA512)}
	p.add(slices.Contains(known, k.SASL), "MASSROUTER_KAFKA_SASL", "%q is none of plain, scram-sha-256, scram-sha-512", k.SASL)
	p.add(k.SASL != string(topic.Plain) || k.TLS, "MASSROUTER_KAFKA_SASL", "plain needs MASSROUTER_KAFKA_TLS=true: the password would be shown on the way")
	p.add((k.SASL == "") == (k.User == ""), "MASSROUTER_KAFKA_USER", "belongs together with MASSROUTER_KAFKA_SASL")
	p.add((k.SASL == "") == !k.Password.IsSet(), "MASSROUTER_KAFKA_PASSWORD", "belongs together with MASSROUTER_KAFKA_SASL")
	p.add(k.TLS || k.CAFile+k.CertFile+k.KeyFile == "", "MASSROUTER_KAFKA_TLS", "has to be true when certificates are given")
	p.add((k.CertFile == "") == (k.KeyFile == ""), "MASSROUTER_KAFKA_KEY_FILE", "belongs together with MASSROUTER_KAFKA_CERT_FILE")
}

// Connection is what the exporter needs of it.
func (k Kafka) Connection() topic.Connection {
	return topic.Connection{
		Brokers: topic.ParseBrokers(k.Brokers), TLS: k.TLS, CAFile: k.CAFile, CertFile: k.CertFile, KeyFile: k.KeyFile,
		SASL: topic.SASL(k.SASL), User: k.User, Password: k.Password.Reveal(),
	}
}
