// Package passkey keeps passkeys (WebAuthn, level 3): a second factor, and a way in of its own. What browsers are asked and what they answer is the JSON of
// the specification.
package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity"
	"github.com/massrouter/massrouter/identity/account"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/identity/code"
	"github.com/massrouter/massrouter/identity/factor"
)

// Limits.
const (
	MaxPerUser = 20
	Life       = 5 * time.Minute // of a ceremony
	maxName    = 60              // characters
)

// CodeWrong is of answers that prove nothing, or too late.
const CodeWrong domain.Code = "passkey_wrong"

func wrong() error { return domain.Errorf(CodeWrong, "this passkey was not accepted: try again") }

// Person is whose passkey it is.
type Person struct {
	ID    uuid.UUID
	Email string
	Name  string
}

// Passkey is one of a person's.
type Passkey struct {
	ID        uuid.UUID
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
}

// Store keeps passkeys in Postgres. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	web  *webauthn.WebAuthn
	now  func() time.Time
}

// New makes a Store for a site: domain is the one that passkeys are bound to, origins are the addresses that may use them.
func New(pool *pgxpool.Pool, site, name string, origins []string, now func() time.Time) (*Store, error) {
	web, err := webauthn.New(&webauthn.Config{
		RPID: site, RPDisplayName: name, RPOrigins: origins, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare passkeys: %w", err)
	}
	return &Store{pool: pool, web: web, now: now}, nil
}

// owner is a person as the library sees one.
type owner struct {
	Person
	credentials []webauthn.Credential
}

func (o *owner) WebAuthnID() []byte                         { return o.ID[:] }
func (o *owner) WebAuthnName() string                       { return o.Email }
func (o *owner) WebAuthnDisplayName() string                { return o.Name }
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// purpose is what a ceremony is for.
type purpose string

const (
	register purpose = "register"
	second   purpose = "factor"
	enter    purpose = "enter"
)

// BeginRegister asks the browser for a new passkey. options is for navigator.credentials.create, secret goes on. Errors: conflict when there are too many.
func (s *Store) BeginRegister(ctx context.Context, p Person) (options []byte, secret string, err error) {
	o, err := s.owner(ctx, s.pool, p)
	if err != nil {
		return nil, "", err
	}
	if len(o.credentials) >= MaxPerUser {
		return nil, "", domain.Errorf(domain.CodeConflict, "one has at most %d passkeys", MaxPerUser)
	}
	asked, session, err := s.web.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.begin(ctx, register, &p.ID, asked, session)
}

// FinishRegister keeps the passkey that the browser has made. Errors: invalid_request, passkey_wrong.
func (s *Store) FinishRegister(ctx context.Context, p Person, secret, name string, answer []byte) (Passkey, error) {
	name, err := identity.Name(name, 1, maxName)
	if err != nil {
		return Passkey{}, err
	}
	session, err := s.take(ctx, register, &p.ID, secret)
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBody(bytes.NewReader(answer))
	if err != nil {
		return Passkey{}, wrong()
	}
	o, err := s.owner(ctx, s.pool, p)
	if err != nil {
		return Passkey{}, err
	}
	made, err := s.web.CreateCredential(o, session, parsed)
	if err != nil {
		return Passkey{}, wrong()
	}
	text, err := json.Marshal(made)
	if err != nil {
		return Passkey{}, fmt.Errorf("write a passkey: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Passkey{}, fmt.Errorf("name a passkey: %w", err)
	}
	k := Passkey{ID: id, Name: name, CreatedAt: domain.Moment(s.now())}
	c := auditlog.About(ctx, p.ID)
	c.After = map[string]any{"passkey": id}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, p.ID); err != nil {
			return err
		}
		if err := factor.Gained(ctx, tx, p.ID); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO identity.passkeys (credential_id, passkey_id, user_id, name, credential, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			made.ID, id, p.ID, name, text, k.CreatedAt)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return wrong() // somebody has it
		}
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		return account.TellOnce(ctx, tx, p.ID, account.PasskeyAdded, map[string]string{"name": name}, s.now())
	})
	if err != nil {
		return Passkey{}, identity.Wrap("keep a passkey", err)
	}
	return k, nil
}

// BeginFactor asks the browser for one of a person's passkeys, for navigator.credentials.get. Errors: not_found without any.
func (s *Store) BeginFactor(ctx context.Context, p Person) (options []byte, secret string, err error) {
	o, err := s.owner(ctx, s.pool, p)
	if err != nil {
		return nil, "", err
	}
	if len(o.credentials) == 0 {
		return nil, "", domain.Errorf(domain.CodeNotFound, "there is no passkey")
	}
	asked, session, err := s.web.BeginLogin(o)
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.begin(ctx, second, &p.ID, asked, session)
}

// FinishFactor says whether the browser's answer is one of the person's passkeys. Errors: passkey_wrong.
func (s *Store) FinishFactor(ctx context.Context, p Person, secret string, answer []byte) error {
	session, err := s.take(ctx, second, &p.ID, secret)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(answer))
	if err != nil {
		return wrong()
	}
	return identity.Wrap("accept a passkey", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		o, err := s.owner(ctx, tx, p)
		if err != nil {
			return err
		}
		used, err := s.web.ValidateLogin(o, session, parsed)
		if err != nil {
			return wrong()
		}
		return s.used(ctx, tx, used)
	}))
}

// BeginEnter asks the browser for any passkey of the site, of somebody who has not said who he is.
func (s *Store) BeginEnter(ctx context.Context) (options []byte, secret string, err error) {
	asked, session, err := s.web.BeginDiscoverableLogin()
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return s.begin(ctx, enter, nil, asked, session)
}

// FinishEnter says whose passkey it is. Errors: passkey_wrong.
func (s *Store) FinishEnter(ctx context.Context, secret string, answer []byte) (user uuid.UUID, err error) {
	session, err := s.take(ctx, enter, nil, secret)
	if err != nil {
		return uuid.Nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(answer))
	if err != nil {
		return uuid.Nil, wrong()
	}
	return user, identity.Wrap("accept a passkey", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		used, err := s.web.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			id, err := uuid.FromBytes(handle)
			if err != nil {
				return nil, wrong()
			}
			user = id
			return s.owner(ctx, tx, Person{ID: id})
		}, session, parsed)
		if err != nil {
			return wrong()
		}
		return s.used(ctx, tx, used)
	}))
}

// used keeps the counter of a passkey. One that counts back was copied.
func (s *Store) used(ctx context.Context, tx pgx.Tx, c *webauthn.Credential) error {
	if c.Authenticator.CloneWarning {
		return wrong()
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write a passkey: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE identity.passkeys SET credential = $2, used_at = $3 WHERE credential_id = $1`, c.ID, text, domain.Moment(s.now()))
	return err
}

// begin keeps what the browser is asked.
func (s *Store) begin(ctx context.Context, p purpose, user *uuid.UUID, asked any, session *webauthn.SessionData) (options []byte, secret string, err error) {
	if options, err = json.Marshal(asked); err != nil {
		return nil, "", fmt.Errorf("write what a browser is asked: %w", err)
	}
	text, err := json.Marshal(session)
	if err != nil {
		return nil, "", fmt.Errorf("write what a browser is asked: %w", err)
	}
	secret = code.Token()
	h := code.HashOf("passkey", nil, secret)
	now := s.now()
	if _, err := s.pool.Exec(ctx, `INSERT INTO identity.ceremonies (secret_hash, purpose, user_id, session, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		h[:], p, user, text, now.Add(Life)); err != nil {
		return nil, "", identity.Wrap("keep what a browser is asked", err)
	}
	return options, secret, nil
}

// take uses a ceremony up.
func (s *Store) take(ctx context.Context, p purpose, user *uuid.UUID, secret string) (session webauthn.SessionData, err error) {
	h := code.HashOf("passkey", nil, secret)
	var text []byte
	err = s.pool.QueryRow(ctx, `DELETE FROM identity.ceremonies WHERE secret_hash = $1 AND purpose = $2 AND user_id IS NOT DISTINCT FROM $3 AND expires_at > $4 RETURNING session`,
		h[:], p, user, s.now()).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return session, wrong()
	}
	if err != nil {
		return session, fmt.Errorf("find what a browser was asked: %w", err)
	}
	if err := json.Unmarshal(text, &session); err != nil {
		return session, fmt.Errorf("read what a browser was asked: %w", err)
	}
	return session, nil
}

// owner is a person with the passkeys of a live account.
func (*Store) owner(ctx context.Context, q identity.Querier, p Person) (*owner, error) {
	rows, err := q.Query(ctx, `SELECT k.credential FROM identity.passkeys k JOIN identity.users u USING (user_id) WHERE user_id = $1 AND u.deleted_at IS NULL ORDER BY k.passkey_id`, p.ID)
	if err != nil {
		return nil, fmt.Errorf("find passkeys: %w", err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("find passkeys: %w", err)
	}
	o := &owner{Person: p, credentials: make([]webauthn.Credential, len(texts))}
	for i, text := range texts {
		if err := json.Unmarshal(text, &o.credentials[i]); err != nil {
			return nil, fmt.Errorf("read a passkey: %w", err)
		}
	}
	return o, nil
}

// List is a person's passkeys, the oldest first.
func (s *Store) List(ctx context.Context, user uuid.UUID) ([]Passkey, error) {
	rows, err := s.pool.Query(ctx, `SELECT passkey_id, name, created_at, used_at FROM identity.passkeys WHERE user_id = $1 ORDER BY passkey_id`, user)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k Passkey, err error) {
		var used *time.Time
		err = r.Scan(&k.ID, &k.Name, &k.CreatedAt, &used)
		k.CreatedAt = k.CreatedAt.UTC()
		if used != nil {
			k.UsedAt = used.UTC()
		}
		return k, err
	})
	return all, identity.Wrap("list passkeys", err)
}

// Rename gives a passkey another name. Errors: invalid_request, not_found.
func (s *Store) Rename(ctx context.Context, user, id uuid.UUID, name string) error {
	name, err := identity.Name(name, 1, maxName)
	if err != nil {
		return err
	}
	c := auditlog.About(ctx, user)
	c.Target = trail.Of("passkey", id)
	tag, err := auditlog.Exec(ctx, s.pool, c, `UPDATE identity.passkeys SET name = $3 WHERE user_id = $1 AND passkey_id = $2`, user, id, name)
	if err == nil && tag.RowsAffected() == 0 {
		return domain.Errorf(domain.CodeNotFound, "there is no such passkey")
	}
	return identity.Wrap("name a passkey", err)
}

// Remove takes a passkey away, and the recovery codes with the last second factor. Errors: not_found.
func (s *Store) Remove(ctx context.Context, user, id uuid.UUID) error {
	return identity.Wrap("remove a passkey", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := identity.Hold(ctx, tx, user); err != nil {
			return err
		}
		var name string
		err := tx.QueryRow(ctx, `DELETE FROM identity.passkeys WHERE user_id = $1 AND passkey_id = $2 RETURNING name`, user, id).Scan(&name)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err != nil {
			return domain.Errorf(domain.CodeNotFound, "there is no such passkey")
		}
		if err := factor.Lost(ctx, tx, user, s.now()); err != nil {
			return err
		}
		c := auditlog.About(ctx, user)
		c.Target = trail.Of("passkey", id)
		if err := auditlog.Record(ctx, tx, c); err != nil {
			return err
		}
		return account.TellOnce(ctx, tx, user, account.PasskeyRemoved, map[string]string{"name": name}, s.now())
	}))
}

// Prune forgets ceremonies that nobody has finished, a batch at a time, and says how many.
func (s *Store) Prune(ctx context.Context) (int64, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM identity.ceremonies WHERE secret_hash IN (SELECT secret_hash FROM identity.ceremonies WHERE expires_at < $1 LIMIT 1000)`, s.now())
	return tag.RowsAffected(), identity.Wrap("forget ceremonies", err)
}
