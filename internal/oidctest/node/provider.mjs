// An issuer by oidc-provider, with its development sign-in pages. It prints its port, and ends with its input.
import http from 'node:http';
import Provider from 'oidc-provider';

const { REDIRECT_URI, CLIENT_ID, CLIENT_SECRET, LOGOUT_URI, LOGOUT_OF } = process.env;

const server = http.createServer((request, response) => handle(request, response));
let handle;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const client = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code'], response_types: ['code'] };
  if (LOGOUT_URI) { // told there of the end of a session, or of all sessions of a person
    client.backchannel_logout_uri = LOGOUT_URI;
    client.backchannel_logout_session_required = LOGOUT_OF === 'session';
  }
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [client],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['a key of the test'] },
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
    pkce: { required: () => true },
    // Without these two: by itself it reaches nobody on loopback, and waits for nobody longer than 2.5 s.
    fetch: (url, { dispatcher, signal, ...options }) => fetch(url, options),
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: 'Somebody' }),
    }),
  });
  provider.on('backchannel.error', (_, error) => process.stderr.write(`the logout was not delivered: ${error.message}\n`));
  handle = provider.callback();
  process.stdout.write(`${port}\n`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
