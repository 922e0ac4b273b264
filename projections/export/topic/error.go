package topic

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/massrouter/massrouter/domain"
)

var (
	// ErrRefused says that Kafka refuses for a reason that does not pass by itself: rights, names, sizes, certificates.
	ErrRefused = errors.New("kafka refuses")
	// ErrWentBack says that records which Kafka had acknowledged are gone: the topic was made anew during the export, a
	// broker lost its disk, or a leader was elected that was behind. What is missing cannot be put in order again; export to a new topic.
	ErrWentBack = errors.New("the topic lost records that it had acknowledged, export to a new one")
)

// refusals are the codes after which the same request is refused again.
var refusals = []kafka.Error{ //nolint:gochecknoglobals // a table
	kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidTopic, kafka.InvalidRequiredAcks,
	kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.InvalidTimestamp, kafka.UnsupportedSASLMechanism,
	kafka.IllegalSASLState, kafka.UnsupportedVersion, kafka.InvalidPartitionNumber, kafka.InvalidReplicationFactor,
	kafka.InvalidConfiguration, kafka.UnsupportedForMessageFormat, kafka.PolicyViolation, kafka.SASLAuthenticationFailed,
	kafka.UnsupportedCompressionType, kafka.InvalidRecord,
}

// judge returns the error to end with; nil for one that may pass.
func judge(err error) error {
	var known *domain.Error
	if errors.As(err, &known) || errors.Is(err, ErrRefused) || errors.Is(err, ErrWentBack) {
		return err
	}
	var code kafka.Error
	if errors.As(err, &code) && slices.Contains(refusals, code) {
		if code == kafka.MessageSizeTooLarge || code == kafka.RecordListTooLarge {
			return fmt.Errorf("%w: %w: raise the topic's max.message.bytes", ErrRefused, err)
		}
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	var (
		unknown  x509.UnknownAuthorityError
		host     x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		noTLS    tls.RecordHeaderError
		refusing tls.AlertError
	)
	if errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) ||
		errors.As(err, &noTLS) || errors.As(err, &refusing) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}
