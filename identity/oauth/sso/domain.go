package sso

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/address"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const (
	// recordPrefix is put before a domain: who can write records there, but not at the domain itself, is not its owner for mail either way.
	recordPrefix = "_massrouter-challenge."
	valuePrefix  = "massrouter-domain-verification="
	lookupTime   = 10 * time.Second
)

// CodeUnproved is of domains whose TXT record is not there, or not this one.
const CodeUnproved domain.Code = "domain_unproved"

// Domain is one whose mailboxes are an organisation's.
type Domain struct {
	Name       string    // in ASCII
	Record     string    // the name of the TXT record that proves it
	Value      string    // what it holds
	VerifiedAt time.Time // zero until it was there
}

// parse reads a domain in its one form. Errors: invalid_request, "domain".
func parse(text string) (string, error) {
	email, err := address.Parse("x@" + text)
	if err != nil || strings.Contains(text, "@") {
		return "", domain.Errorf(domain.CodeInvalid, "domain is what stands after the @ of mailboxes, such as example.com").With("param", "domain")
	}
	return email.Domain(), nil
}

func (s *Store) domains(ctx context.Context, org uuid.UUID) ([]Domain, error) {
	rows, err := wall.Query(ctx, s.pool, `SELECT domain, token, verified_at FROM identity.sso_domains WHERE organisation_id = $1 ORDER BY domain`, org)
	if err != nil {
		return nil, identity.Wrap("list domains", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d Domain, err error) {
		var verified *time.Time
		err = r.Scan(&d.Name, &d.Value, &verified)
		d.Record, d.Value = recordPrefix+d.Name, valuePrefix+d.Value
		if verified != nil {
			d.VerifiedAt = verified.UTC()
		}
		return d, err
	})
	return all, identity.Wrap("list domains", err)
}

// Add notes that an organisation wants to speak for a domain; Verify proves it. Again is no error. Errors: invalid_request, conflict when there are too many.
func (s *Store) Add(ctx context.Context, org uuid.UUID, name string) error {
	name, err := parse(name)
	if err != nil {
		return err
	}
	return s.change(ctx, org, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM identity.sso_domains WHERE organisation_id = $1 AND domain <> $2`, org, name).Scan(&n); err != nil {
			return err
		}
		if n >= maxDomains {
			return domain.Errorf(domain.CodeConflict, "an organisation has at most %d domains", maxDomains)
		}
		tag, err := tx.Exec(ctx, `INSERT INTO identity.sso_domains (organisation_id, domain, token, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			org, name, rand.Text(), domain.Moment(s.now()))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return auditlog.Record(ctx, tx, wayIn(org, "domain_added", name))
	})
}

// Drop gives a domain up. Errors: invalid_request, not_found.
func (s *Store) Drop(ctx context.Context, org uuid.UUID, name string) error {
	name, err := parse(name)
	if err != nil {
		return err
	}
	tag, err := auditlog.Exec(ctx, s.pool, wayIn(org, "domain_removed", name), `DELETE FROM identity.sso_domains WHERE organisation_id = $1 AND domain = $2`, org, name)
	if err == nil && tag.RowsAffected() == 0 {
		return noDomain()
	}
	return identity.Wrap("give a domain up", err)
}

func noDomain() error {
	return domain.Errorf(domain.CodeNotFound, "this organisation has no such domain")
}

// Verify looks for the TXT record. Errors: invalid_request, not_found, domain_unproved, unavailable when DNS does not answer, conflict when another
// organisation has proved the domain.
func (s *Store) Verify(ctx context.Context, org uuid.UUID, name string) error {
	name, err := parse(name)
	if err != nil {
		return err
	}
	all, err := s.domains(ctx, org)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(d Domain) bool { return d.Name == name })
	if at < 0 {
		return noDomain()
	}
	if err := s.look(ctx, all[at]); err != nil {
		return err
	}
	err = s.change(ctx, org, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE identity.sso_domains SET verified_at = coalesce(verified_at, $3), checked_at = $3, failures = 0, failing_since = NULL
			WHERE organisation_id = $1 AND domain = $2`, org, name, domain.Moment(s.now()))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return noDomain()
		}
		if err := auditlog.Record(ctx, tx, wayIn(org, "domain_proved", name)); err != nil {
			return err
		}
		return s.enforce(ctx, tx, org)
	})
	var taken *pgconn.PgError
	if errors.As(err, &taken) && taken.Code == "23505" { // unique_violation
		return domain.Errorf(domain.CodeConflict, "another organisation has proved this domain")
	}
	return identity.Wrap("prove a domain", err)
}

// look asks DNS for the record of a domain.
func (s *Store) look(ctx context.Context, d Domain) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	texts, err := s.resolver.LookupTXT(ctx, d.Record+".") // the dot: no search list is asked
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
	case err != nil:
		return domain.Errorf(domain.CodeUnavailable, "the domain's name server does not answer: try again later").Wrap(err)
	case slices.Contains(texts, d.Value):
		return nil
	}
	return domain.Errorf(CodeUnproved, "there is no TXT record %s with this value yet; what was changed may take some time to be seen", d.Record)
}
