DROP TABLE identity.factor_networks;
DROP INDEX identity.challenges_user;
ALTER TABLE identity.challenges DROP COLUMN guesses, DROP COLUMN network;
DROP INDEX identity.totp_waiting;
ALTER TABLE identity.totp DROP COLUMN tries;
