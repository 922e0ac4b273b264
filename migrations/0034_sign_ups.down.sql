ALTER TABLE identity.links DROP COLUMN link_no;
ALTER TABLE identity.mails DROP COLUMN sign_up_id;
-- Only one attempt can be kept: nobody's, rather than one whose password is perhaps a stranger's. Who signs up again gets a new mail.
DROP TABLE identity.sign_up_links;
DROP TABLE identity.sign_ups;
