DROP TABLE views.keys_wallets_v1, views.keys_members_v1;
DROP TABLE IF EXISTS views_building.keys_wallets_v1, views_building.keys_members_v1, views_kept.keys_wallets_v1, views_kept.keys_members_v1;
