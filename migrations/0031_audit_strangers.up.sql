-- What is personal of entries of nobody who was signed in is erased after a while (docs/adr/0050); this finds it.
CREATE INDEX entries_strangers ON audit.entries (recorded_at) WHERE personal IS NOT NULL AND (person IS NULL OR actor = 'anonymous');
