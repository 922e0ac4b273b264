-- Wrong first codes of an authenticator app that is being set up.
ALTER TABLE identity.totp ADD COLUMN tries integer NOT NULL DEFAULT 0;
CREATE INDEX totp_waiting ON identity.totp (created_at) WHERE confirmed_at IS NULL;

-- Tries that could have been guesses, and the network (/24, /48) in which their challenge began: one network spends no other's.
ALTER TABLE identity.challenges
    ADD COLUMN guesses integer NOT NULL DEFAULT 0,
    ADD COLUMN network cidr NOT NULL DEFAULT '0.0.0.0/24'; -- not known
CREATE INDEX challenges_user ON identity.challenges (user_id, created_at);

-- Networks from which somebody has shown a second factor. Who guesses elsewhere keeps nobody out there.
CREATE TABLE identity.factor_networks (
    user_id uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    network cidr NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, network)
);
CREATE INDEX factor_networks_used ON identity.factor_networks (used_at);
