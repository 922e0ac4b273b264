-- What is personal of entries that belong to nobody's account is erased after a while (docs/adr/0050); this finds it.
CREATE INDEX entries_strangers ON audit.entries (recorded_at) WHERE personal IS NOT NULL AND person IS NULL;
