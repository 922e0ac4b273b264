DROP TABLE identity.message_counts;
DROP TABLE identity.messages;
DROP TABLE identity.phone_codes;
DROP TABLE identity.phones;
