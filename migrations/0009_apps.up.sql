-- apps: what the owners of wallets say of their apps, one row an app.
CREATE TABLE views.apps_v1 (
    app_id              uuid PRIMARY KEY,
    wallet_id           uuid NOT NULL,
    owner               text NOT NULL,
    name                text NOT NULL,
    url                 text NOT NULL,
    description         text NOT NULL,
    hidden              boolean NOT NULL, -- its usage is shown nowhere by name
    archived            boolean NOT NULL,
    archived_reason     text NOT NULL,
    registered_at       timestamptz NOT NULL,
    registered_position bigint NOT NULL,
    updated_at          timestamptz NOT NULL,
    position            bigint NOT NULL -- of the app's last event
);
CREATE UNIQUE INDEX ON views.apps_v1 (wallet_id, registered_position);

-- The app that a key's calls count for; the nil UUID when there is none.
ALTER TABLE views.keys_v1 ADD COLUMN app_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
