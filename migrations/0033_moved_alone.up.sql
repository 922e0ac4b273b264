-- What people have moved by hand without a second person, for as long as it counts: several small amounts are one large one.
CREATE TABLE identity.moved_alone (
    command_id uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    currency   text NOT NULL,
    amount     numeric NOT NULL CHECK (amount >= 0),
    moved_at   timestamptz NOT NULL
);
CREATE INDEX moved_alone_user ON identity.moved_alone (user_id, currency, moved_at);
CREATE INDEX moved_alone_over ON identity.moved_alone (moved_at);
