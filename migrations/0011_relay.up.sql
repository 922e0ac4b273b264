-- How far the relay has published the log, one row for each bus that it ever fed. Whoever moves it says where it was.
CREATE SCHEMA relay;

CREATE TABLE relay.checkpoints (
    name          text COLLATE "C" PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200), -- kind of the bus and its topic
    position      bigint NOT NULL DEFAULT 0 CHECK (position >= 0), -- everything up to it is on the bus
    published_at  timestamptz, -- when it last moved
    failing_since timestamptz, -- the first failure since it last moved
    error         text NOT NULL DEFAULT '' CHECK ((error = '') = (failing_since IS NULL))
) WITH (fillfactor = 10);
