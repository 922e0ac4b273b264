DROP TABLE identity.sso_domains;
DROP TABLE identity.sso_connections;
DROP TABLE identity.app_codes;
DROP TABLE identity.oauth_pending;
DROP TABLE identity.oauth_flows;
DROP TABLE identity.external_identities;
