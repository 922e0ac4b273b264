DROP TABLE views.journal_entries_v1, views.journal_legs_v1, views.journal_balances_v1, views.journal_snapshots_v1, views.journal_closes_v1;
