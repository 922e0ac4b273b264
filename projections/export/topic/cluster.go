package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/massrouter/massrouter/domain"
)

// cluster is Kafka, and the topic in it.
type cluster struct {
	options    *Options
	transport  *kafka.Transport
	client     *kafka.Client
	partitions int
	chunkBytes int     // most bytes of a request, before compression
	next       []int64 // by partition: where the next record may be appended, at the earliest
	retries    atomic.Int64
	failing    atomic.Int64 // what is tried again now
	told       sync.Mutex   // while somebody is told something
}

const (
	fetchWait = 500 * time.Millisecond
	// metadataTTL bounds for how long a new leader of a partition is not noticed.
	metadataTTL = 2 * time.Second
	// usualChunk keeps a request below a topic's usual limit of a mebibyte.
	usualChunk = 768 << 10
	frameBytes = 1 << 10
)

func open(o *Options) (*cluster, error) {
	transport, err := o.Connection.transport()
	if err != nil {
		return nil, err
	}
	transport.MetadataTTL = metadataTTL
	transport.DialTimeout = min(o.RequestTimeout, 5*time.Second)
	return &cluster{
		options: o, transport: transport, chunkBytes: usualChunk,
		// The client tells the broker to give up after half of its timeout.
		client: &kafka.Client{Addr: kafka.TCP(o.Connection.Brokers...), Transport: transport, Timeout: o.RequestTimeout},
	}, nil
}

func (c *cluster) close() { c.transport.CloseIdleConnections() }

// prepare finds the topic, or makes it, and looks at how it is set up.
func (c *cluster) prepare(ctx context.Context) error {
	found, err := c.find(ctx)
	if err != nil {
		return err
	}
	if found == nil {
		if !c.options.Create {
			return fmt.Errorf("%w: there is no topic %s; make it, or have it made (--create-topic)", ErrRefused, c.options.Topic)
		}
		if err := c.create(ctx); err != nil {
			return err
		}
		return fmt.Errorf("the topic was created: %w", errLookAgain)
	}
	for i, p := range found.Partitions {
		if p.Error != nil {
			return fmt.Errorf("partition %d: %w", p.ID, p.Error)
		}
		if p.ID != i {
			return fmt.Errorf("the topic's partitions are not numbered from 0: %d is %d", i, p.ID)
		}
	}
	if want := c.options.Partitions; want != 0 && want != len(found.Partitions) {
		return domain.Errorf(domain.CodeInvalid, "the topic has %d partitions, not %d", len(found.Partitions), want)
	}
	c.partitions = len(found.Partitions)
	return c.inspect(ctx)
}

// errLookAgain says that something was done, and the next attempt will show it.
var errLookAgain = errors.New("look again")

// find returns nil when there is no such topic.
func (c *cluster) find(ctx context.Context) (*kafka.Topic, error) {
	metadata, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.options.Topic}})
	if err != nil {
		return nil, fmt.Errorf("ask for the topic: %w", err)
	}
	if len(metadata.Topics) != 1 {
		return nil, fmt.Errorf("ask for the topic: %d topics were answered", len(metadata.Topics))
	}
	found := &metadata.Topics[0]
	switch {
	case errors.Is(found.Error, kafka.UnknownTopicOrPartition):
		if len(metadata.Brokers) == 0 {
			return nil, fmt.Errorf("ask for the topic: %w", kafka.BrokerNotAvailable) // it is only starting
		}
		return nil, nil
	case found.Error != nil:
		return nil, fmt.Errorf("ask for the topic: %w", found.Error)
	case len(found.Partitions) == 0:
		return nil, fmt.Errorf("ask for the topic: %w", kafka.LeaderNotAvailable)
	}
	return found, nil
}

// create makes a topic that keeps everything.
func (c *cluster) create(ctx context.Context) error {
	o := c.options
	replication := o.Replication
	if replication == 0 {
		replication = -1 // the broker's default
	}
	answer, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: o.Topic, NumPartitions: o.Partitions, ReplicationFactor: replication,
		ConfigEntries: []kafka.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "delete"},
			{ConfigName: "retention.ms", ConfigValue: "-1"},
			{ConfigName: "retention.bytes", ConfigValue: "-1"},
		},
	}}})
	if err == nil {
		err = answer.Errors[o.Topic]
	}
	if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create the topic: %w", err)
	}
	return nil
}

// inspect refuses a topic that forgets what has a newer record of the same key, and says when one forgets what is old.
func (c *cluster) inspect(ctx context.Context) error {
	answer, err := c.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: c.options.Topic,
		ConfigNames: []string{"cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes"},
	}}})
	if err == nil && len(answer.Resources) == 1 {
		err = answer.Resources[0].Error
	}
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		c.note("the topic's settings may not be read here; it must not be compacted, and should keep its records")
		return nil
	case err != nil:
		return fmt.Errorf("ask for the topic's settings: %w", err)
	case len(answer.Resources) != 1:
		return fmt.Errorf("ask for the topic's settings: %d topics were answered", len(answer.Resources))
	}
	values := map[string]string{}
	for _, entry := range answer.Resources[0].ConfigEntries {
		values[entry.ConfigName] = entry.ConfigValue
	}
	return c.judge(values)
}

func (c *cluster) judge(settings map[string]string) error {
	if slices.Contains(splitList(settings["cleanup.policy"]), "compact") {
		return domain.Errorf(domain.CodeConflict, "the topic is compacted (cleanup.policy): it would keep only the last event of each wallet")
	}
	for _, name := range []string{"retention.ms", "retention.bytes"} {
		if value := settings[name]; value != "-1" && value != "" {
			c.note(fmt.Sprintf("the topic does not keep its records for ever (%s is %s); they are as old as their events", name, value))
		}
	}
	if most, err := strconv.Atoi(settings["max.message.bytes"]); err == nil {
		c.chunkBytes = max(1, min(usualChunk, most-most/4-frameBytes))
	}
	return nil
}

func (c *cluster) note(text string) {
	if c.options.Note != nil {
		c.options.Note(text)
	}
}
