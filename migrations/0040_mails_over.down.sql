DROP INDEX identity.mails_over;
