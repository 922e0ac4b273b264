DROP INDEX IF EXISTS views.keys_v1_position;
DROP SCHEMA views_kept CASCADE;
DROP SCHEMA views_building CASCADE;

CREATE TEMPORARY TABLE progress ON COMMIT DROP AS SELECT * FROM views.checkpoints;
DROP TABLE views.checkpoints;
CREATE TABLE views.checkpoints (
    name        text COLLATE "C" NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    position    bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    recorded_at timestamptz NOT NULL DEFAULT 'epoch', -- of the event at position
    rebuild_to  bigint NOT NULL DEFAULT 0,
    state       text NOT NULL DEFAULT 'following' CHECK (state IN ('following', 'rebuilding', 'failed')),
    error       text NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
) WITH (fillfactor = 10);
INSERT INTO views.checkpoints SELECT name, version, position, recorded_at, rebuild_to, state, error, updated_at FROM progress;
