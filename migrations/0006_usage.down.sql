DROP TABLE views.usage_open_v1, views.usage_minutes_v1, views.usage_errors_month_v1, views.usage_errors_day_v1, views.usage_errors_hour_v1, views.usage_errors_minute_v1,
    views.usage_month_v1, views.usage_day_v1, views.usage_hour_v1, views.usage_minute_v1;
DROP FUNCTION ledger.ensure_time_partitions(regclass, text, timestamptz[]);
