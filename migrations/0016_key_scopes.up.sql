-- What a key is for: '' for calls of models, 'management' for managing the other keys of its wallet. Builds that are made or kept beside the
-- live one get it too.
ALTER TABLE views.keys_v1 ADD COLUMN scope text NOT NULL DEFAULT '';
ALTER TABLE IF EXISTS views_building.keys_v1 ADD COLUMN IF NOT EXISTS scope text NOT NULL DEFAULT '';
ALTER TABLE IF EXISTS views_kept.keys_v1 ADD COLUMN IF NOT EXISTS scope text NOT NULL DEFAULT '';

-- Keys are managed by the hash of their secret.
CREATE INDEX keys_v1_hash ON views.keys_v1 (hash);
