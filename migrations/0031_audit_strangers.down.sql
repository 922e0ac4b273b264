DROP INDEX audit.entries_strangers;
