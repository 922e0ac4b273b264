-- usage, version 2.
DELETE FROM views.checkpoints WHERE name = 'usage';
DELETE FROM views_building.checkpoints WHERE name = 'usage';
DELETE FROM views_kept.checkpoints WHERE name = 'usage';

CREATE TABLE views.usage_minute_v2 (LIKE views.usage_minute_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_hour_v2 (LIKE views.usage_quarter_hour_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_day_v2 (LIKE views.usage_day_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_month_v2 (LIKE views.usage_month_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_minute_v2 (LIKE views.usage_errors_minute_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_hour_v2 (LIKE views.usage_errors_quarter_hour_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_day_v2 (LIKE views.usage_errors_day_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_month_v2 (LIKE views.usage_errors_month_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_keys_day_v2 (LIKE views.usage_keys_day_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_keys_month_v2 (LIKE views.usage_keys_month_v3 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_minutes_v2 (LIKE views.usage_minutes_v3 INCLUDING ALL);
CREATE TABLE views.usage_open_v2 (LIKE views.usage_open_v3 INCLUDING ALL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

DROP TABLE views.usage_minute_v3, views.usage_quarter_hour_v3, views.usage_day_v3, views.usage_month_v3, views.usage_errors_minute_v3,
    views.usage_errors_quarter_hour_v3, views.usage_errors_day_v3, views.usage_errors_month_v3, views.usage_keys_day_v3, views.usage_keys_month_v3,
    views.usage_minutes_v3, views.usage_open_v3;
DROP TABLE IF EXISTS views_building.usage_minute_v3, views_building.usage_quarter_hour_v3, views_building.usage_day_v3, views_building.usage_month_v3, views_building.usage_errors_minute_v3,
    views_building.usage_errors_quarter_hour_v3, views_building.usage_errors_day_v3, views_building.usage_errors_month_v3, views_building.usage_keys_day_v3, views_building.usage_keys_month_v3,
    views_building.usage_minutes_v3, views_building.usage_open_v3;
DROP TABLE IF EXISTS views_kept.usage_minute_v3, views_kept.usage_quarter_hour_v3, views_kept.usage_day_v3, views_kept.usage_month_v3, views_kept.usage_errors_minute_v3,
    views_kept.usage_errors_quarter_hour_v3, views_kept.usage_errors_day_v3, views_kept.usage_errors_month_v3, views_kept.usage_keys_day_v3, views_kept.usage_keys_month_v3,
    views_kept.usage_minutes_v3, views_kept.usage_open_v3;
