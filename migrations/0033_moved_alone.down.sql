DROP TABLE identity.moved_alone;
