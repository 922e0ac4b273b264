-- Of mails that anybody can have sent to a mailbox only so many an hour are let through; the others wait (docs/adr/0057).
ALTER TABLE identity.mails ADD COLUMN let_at timestamptz; -- NULL for one that waits, and for those that are not counted
CREATE INDEX mails_recipient ON identity.mails (recipient, let_at);
CREATE INDEX invitations_inviter ON identity.invitations (invited_by, created_at);
