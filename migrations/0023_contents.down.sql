DROP TABLE gateway.contents, gateway.content_erasures, gateway.cache_hits, gateway.cache_hit_days;

ALTER TABLE IF EXISTS views.keys_wallets_v1 DROP COLUMN content_storage;
ALTER TABLE IF EXISTS views_building.keys_wallets_v1 DROP COLUMN content_storage;
ALTER TABLE IF EXISTS views_kept.keys_wallets_v1 DROP COLUMN content_storage;
