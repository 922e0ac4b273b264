-- What is over is found without reading all that was sent: who guesses passwords has a row written with each guess (docs/adr/0053).
-- let_at of a mail that waits is now when it will be let through (docs/adr/0057); it is NULL until somebody has looked, and for those that are not counted.
CREATE INDEX mails_over ON identity.mails (coalesce(sent_at, failed_at)) WHERE coalesce(sent_at, failed_at) IS NOT NULL;
