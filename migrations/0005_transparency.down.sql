DROP TABLE ledger.log_checkpoints;
DROP TABLE ledger.log_tiles;
