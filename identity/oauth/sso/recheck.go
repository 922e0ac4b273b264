package sso

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const (
	// CheckEvery is how often the record of a proved domain is looked for.
	CheckEvery = 24 * time.Hour
	// MaxFailures looks in a row without the record, over at least MaxFailing, end the proof: a zone that is being moved has its records again by then.
	MaxFailures = 5
	// MaxFailing is how long they have to last.
	MaxFailing = 4 * 24 * time.Hour
	// again is how long after a name server that did not answer it is asked once more.
	again      = time.Hour
	checkBatch = 50
)

// proved is a domain to be looked at again.
type proved struct {
	org uuid.UUID
	Domain
}

// Recheck looks at proved domains again whose time has come, a batch at a time, and says at how many. One whose record is gone for days does not count any more, and who
// manages the organisation is told. A name server that does not answer says nothing about whose the domain is: it is asked again in an hour.
func (s *Store) Recheck(ctx context.Context) (int64, error) {
	now := domain.Moment(s.now())
	rows, err := s.pool.Query(ctx, `UPDATE identity.sso_domains SET checked_at = $1::timestamptz - $2::interval + $3::interval WHERE (organisation_id, domain) IN (
			SELECT organisation_id, domain FROM identity.sso_domains JOIN identity.organisations o USING (organisation_id)
			WHERE verified_at IS NOT NULL AND o.deleted_at IS NULL AND coalesce(checked_at, verified_at) <= $1::timestamptz - $2::interval
			ORDER BY coalesce(checked_at, verified_at) LIMIT $4) RETURNING organisation_id, domain, token`, now, CheckEvery, again, checkBatch)
	if err != nil {
		return 0, identity.Wrap("find domains to look at again", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d proved, err error) {
		err = r.Scan(&d.org, &d.Name, &d.Value)
		d.Record, d.Value = recordPrefix+d.Name, valuePrefix+d.Value
		return d, err
	})
	if err != nil {
		return 0, identity.Wrap("find domains to look at again", err)
	}
	for i := range all {
		err := s.look(ctx, all[i].Domain)
		if code := domain.CodeOf(err); err != nil && code != CodeUnproved {
			if code == domain.CodeUnavailable {
				continue
			}
			return int64(i), err
		}
		if err := s.looked(ctx, &all[i], err == nil); err != nil {
			return int64(i), err
		}
	}
	return int64(len(all)), nil
}

// looked notes what a look has shown.
func (s *Store) looked(ctx context.Context, d *proved, there bool) error {
	now := domain.Moment(s.now())
	if there {
		_, err := s.pool.Exec(ctx, `UPDATE identity.sso_domains SET checked_at = $3, failures = 0, failing_since = NULL WHERE organisation_id = $1 AND domain = $2 AND verified_at IS NOT NULL`,
			d.org, d.Name, now)
		return identity.Wrap("note that a domain is proved", err)
	}
	return identity.Wrap("note that a domain is not proved", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var ended bool
		rows, err := tx.Query(ctx, `UPDATE identity.sso_domains SET checked_at = $3, failures = failures + 1, failing_since = coalesce(failing_since, $3)
			WHERE organisation_id = $1 AND domain = $2 AND verified_at IS NOT NULL RETURNING failures >= $4 AND failing_since <= $3::timestamptz - $5::interval`,
			d.org, d.Name, now, MaxFailures, MaxFailing)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[bool])
		if ended = len(all) == 1 && all[0]; err != nil || !ended {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE identity.sso_domains SET verified_at = NULL, checked_at = NULL, failures = 0, failing_since = NULL WHERE organisation_id = $1 AND domain = $2`,
			d.org, d.Name); err != nil {
			return err
		}
		c := wayIn(d.org, "domain_unproved", d.Name)
		c.Actor, c.Action = "system:domains", "sso.domain_unproved"
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		return s.tellManagers(ctx, tx, d)
	}))
}

// tellManagers notes a mail to each who manages the organisation of a domain.
func (s *Store) tellManagers(ctx context.Context, tx pgx.Tx, d *proved) error {
	rows, err := tx.Query(ctx, `SELECT m.user_id, o.name FROM identity.members m JOIN identity.organisations o USING (organisation_id)
		WHERE m.organisation_id = $1 AND m.role IN ('owner', 'admin') ORDER BY m.user_id`, d.org)
	if err != nil {
		return err
	}
	type manager struct {
		User uuid.UUID
		Name string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[manager])
	if err != nil {
		return err
	}
	for _, m := range all {
		details := map[string]string{"domain": d.Name, "record": d.Record, "organisation": m.Name}
		if err := account.TellOnce(ctx, tx, m.User, account.DomainUnproved, details, s.now()); err != nil {
			return err
		}
	}
	return nil
}
