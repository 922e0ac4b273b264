-- A read model has at most three builds: the one that serves in schema views, one that is made beside it, and the one that
-- served before. Tables have the same names in each schema; a switch moves them.
ALTER TABLE views.checkpoints
    ADD COLUMN build    integer NOT NULL DEFAULT 1 CHECK (build > 0),       -- which build of this version it is
    ADD COLUMN revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0);   -- of the code that began it

-- rebuild_to is the position at which the build stops until it is told more.
CREATE SCHEMA views_building;
CREATE TABLE views_building.checkpoints (LIKE views.checkpoints INCLUDING ALL) WITH (fillfactor = 10);

-- It stands still; rebuild_to is above position while it is brought up to date for a roll-back.
CREATE SCHEMA views_kept;
CREATE TABLE views_kept.checkpoints (LIKE views.checkpoints INCLUDING ALL) WITH (fillfactor = 10);

-- Whoever remembers keys asks which have changed.
CREATE INDEX keys_v1_position ON views.keys_v1 (position);
