-- usage, version 3: quarters of an hour in the place of hours. Days begin in many zones at half an hour or a quarter, so that a series by
-- days, weeks or months of such a zone had to read minutes at each of its borders. All else is as it was; the new version builds itself from the log.
-- The checkpoint of the version before stays: it says up to where queries are refused.
DELETE FROM views_building.checkpoints WHERE name = 'usage';
DELETE FROM views_kept.checkpoints WHERE name = 'usage';

CREATE TABLE views.usage_minute_v3 (LIKE views.usage_minute_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_quarter_hour_v3 (LIKE views.usage_hour_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_day_v3 (LIKE views.usage_day_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_month_v3 (LIKE views.usage_month_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_minute_v3 (LIKE views.usage_errors_minute_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_quarter_hour_v3 (LIKE views.usage_errors_hour_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_day_v3 (LIKE views.usage_errors_day_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_month_v3 (LIKE views.usage_errors_month_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_keys_day_v3 (LIKE views.usage_keys_day_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_keys_month_v3 (LIKE views.usage_keys_month_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_minutes_v3 (LIKE views.usage_minutes_v2 INCLUDING ALL);
CREATE TABLE views.usage_open_v3 (LIKE views.usage_open_v2 INCLUDING ALL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

DROP TABLE views.usage_minute_v2, views.usage_hour_v2, views.usage_day_v2, views.usage_month_v2, views.usage_errors_minute_v2,
    views.usage_errors_hour_v2, views.usage_errors_day_v2, views.usage_errors_month_v2, views.usage_keys_day_v2, views.usage_keys_month_v2,
    views.usage_minutes_v2, views.usage_open_v2;
DROP TABLE IF EXISTS views_building.usage_minute_v2, views_building.usage_hour_v2, views_building.usage_day_v2, views_building.usage_month_v2, views_building.usage_errors_minute_v2,
    views_building.usage_errors_hour_v2, views_building.usage_errors_day_v2, views_building.usage_errors_month_v2, views_building.usage_keys_day_v2, views_building.usage_keys_month_v2,
    views_building.usage_minutes_v2, views_building.usage_open_v2;
DROP TABLE IF EXISTS views_kept.usage_minute_v2, views_kept.usage_hour_v2, views_kept.usage_day_v2, views_kept.usage_month_v2, views_kept.usage_errors_minute_v2,
    views_kept.usage_errors_hour_v2, views_kept.usage_errors_day_v2, views_kept.usage_errors_month_v2, views_kept.usage_keys_day_v2, views_kept.usage_keys_month_v2,
    views_kept.usage_minutes_v2, views_kept.usage_open_v2;
