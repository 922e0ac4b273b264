DROP TABLE views.rankings_clock_v1, views.rankings_hours_v1, views.rankings_apps_v1, views.rankings_wallets_v1, views.rankings_rows_v1,
    views.rankings_all_v1, views.rankings_month_v1, views.rankings_day_v1, views.rankings_hour_v1;
DROP FUNCTION ledger.close_day(regclass, date, text[]);
