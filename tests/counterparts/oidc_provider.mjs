// A certified OpenID provider (npm oidc-provider) on loop-back, for tests. In-memory: a restart forgets everything.
//
//   PORT=9101 node oidc_provider.mjs        prints "ready <issuer>" when it answers
//
// Environment, all optional:
//   PORT          9101
//   ISSUER        http://127.0.0.1:$PORT
//   REDIRECT_URI  comma-separated list; PUT /_test/redirect_uris adds to it
//   POST_LOGOUT   comma-separated list
//   AT_TTL RT_TTL access and refresh token lifetime in seconds; 300 and 86400
//   ROTATE        0 keeps the same refresh token; any other value rotates it
//   CONFORM       1 leaves claims of scopes to userinfo, as OpenID Connect Core 5.4 has it for the code flow
//   BACKCHANNEL   URL that receives back-channel logout tokens for client "hub"
//   ACCOUNTS      JSON file {"name": {claims}} in place of the accounts below
//
// Test controls below /_test/: GET health, GET events, PUT accounts/<name> {claims} ("disabled": true closes it),
// PUT redirect_uris ["..."], PUT clients {metadata of one}, PUT ttl {"AccessToken": seconds, ...} for what is issued from then on. Any name signs in,
// with any password; PKCE is demanded of every client.
import * as oidc from 'oidc-provider';
import { readFileSync } from 'node:fs';

const { Provider, errors } = oidc;
const env = process.env;
const PORT = Number(env.PORT ?? 9101);
const ISSUER = env.ISSUER ?? `http://127.0.0.1:${PORT}`;
const REDIRECT_URIS = (env.REDIRECT_URI ?? 'http://127.0.0.1:8000/hub/auth/oidc/callback').split(',');
const POST_LOGOUT = (env.POST_LOGOUT ?? 'http://127.0.0.1:8000/hub/login').split(',');
const ttl = { AccessToken: Number(env.AT_TTL ?? 300), RefreshToken: Number(env.RT_TTL ?? 86400) };
const ROTATE = env.ROTATE !== '0';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const REFRESH_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:refresh_token';

// The development login form takes any name and any password; only these three carry groups and e-mail.
// mallory claims alice's address without having verified it.
const accounts = env.ACCOUNTS ? JSON.parse(readFileSync(env.ACCOUNTS)) : {
  alice: { groups: ['staff', 'hub-admins'], email: 'alice@example.test', email_verified: true, name: 'Alice A' },
  bob: { groups: ['students'], email: 'bob@example.test', email_verified: true, name: 'Bob B' },
  mallory: { groups: [], email: 'alice@example.test', email_verified: false, name: 'Mallory' },
};

const apiAudience = (audience) => ({
  scope: 'api:read', audience, accessTokenFormat: 'jwt', accessTokenTTL: ttl.AccessToken, jwt: { sign: { alg: 'RS256' } },
});

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: 'hub', client_secret: 'hub-secret-hub-secret-hub-secret-00',
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: REDIRECT_URIS, post_logout_redirect_uris: POST_LOGOUT,
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE], response_types: ['code'],
      ...(env.BACKCHANNEL && { backchannel_logout_uri: env.BACKCHANNEL, backchannel_logout_session_required: true }),
    },
    {
      client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: REDIRECT_URIS,
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    },
    {
      client_id: 'svc', client_secret: 'svc-secret-svc-secret-svc-secret-00', redirect_uris: [],
      grant_types: ['client_credentials', TOKEN_EXCHANGE], response_types: [],
    },
  ],
  scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', 'api:read'],
  claims: {
    openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'],
  },
  conformIdTokenClaims: env.CONFORM === '1', // false: claims of scopes go into the id_token as well as into userinfo
  fetch: (url, { dispatcher, ...options }) => fetch(url, options), // its own dispatcher keeps it from this machine
  pkce: { required: () => true },
  rotateRefreshToken: ROTATE,
  clockTolerance: 1, // its default is 15 s, for which a token would outlive its time
  issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token')
    && (code.scopes.has('offline_access') || client.clientId === 'hub'),
  ttl: {
    AccessToken: () => ttl.AccessToken, RefreshToken: () => ttl.RefreshToken, IdToken: 300, ClientCredentials: 300, Interaction: 600,
    Grant: 86400, Session: 86400,
  },
  cookies: { keys: ['test-only-cookie-key'] },
  async findAccount(ctx, sub) {
    if (accounts[sub]?.disabled) return undefined;
    const claims = accounts[sub] ?? (accounts[sub] = { groups: [] });
    return { accountId: sub, claims: async () => ({ sub, preferred_username: sub, ...claims }) };
  },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true, defaultResource: () => undefined, useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => apiAudience(resource),
    },
  },
});

// RFC 8693: one of our access tokens in, a JWT access token for exactly one audience out. No actor, no delegation.
// This grant is ours, so it does not prove RFC 8693 independently; subject tokens, refresh and JWTs are the provider's.
// An audience that begins with "no" is unknown. A refresh token comes along where it is asked for, as in Keycloak.
provider.registerGrantType(TOKEN_EXCHANGE, async (ctx) => {
  const { subject_token: token, subject_token_type: type, audience, resource, scope = 'api:read' } = ctx.oidc.params;
  const wanted = ctx.oidc.params.requested_token_type ?? ACCESS_TOKEN_TYPE;
  if (!token || !type) throw new errors.InvalidRequest('missing subject_token or subject_token_type');
  if (type !== ACCESS_TOKEN_TYPE) throw new errors.InvalidRequest('unsupported subject_token_type');
  if (![ACCESS_TOKEN_TYPE, REFRESH_TOKEN_TYPE].includes(wanted)) throw new errors.InvalidRequest('unsupported type');
  const subject = await provider.AccessToken.find(token);
  if (!subject) throw new errors.InvalidGrant('subject_token is not active');
  const target = audience ?? resource;
  if (!target || Array.isArray(target)) throw new errors.InvalidTarget('exactly one audience or resource');
  if (target.startsWith('no')) throw new errors.InvalidTarget('unknown audience');
  if (scope !== 'api:read') throw new errors.InvalidScope('only api:read', scope);

  const { client } = ctx.oidc;
  const { accountId, grantId } = subject;
  const exchanged = new provider.AccessToken({ client, accountId, grantId, gty: 'token_exchange', scope });
  exchanged.resourceServer = new provider.ResourceServer(target, apiAudience(target));
  ctx.oidc.entity('AccessToken', exchanged);
  ctx.body = {
    access_token: await exchanged.save(), issued_token_type: wanted, token_type: 'Bearer',
    expires_in: exchanged.expiration, scope,
  };
  if (wanted === REFRESH_TOKEN_TYPE) {
    const grant = await provider.Grant.find(grantId);
    grant.addResourceScope(target, scope);
    await grant.save();
    const renewal = { client, accountId, grantId, gty: 'token_exchange refresh_token', scope, resource: target, rotations: 0 };
    ctx.body.refresh_token = await new provider.RefreshToken(renewal).save();
  }
}, ['audience', 'resource', 'scope', 'requested_token_type', 'subject_token', 'subject_token_type', 'actor_token',
  'actor_token_type'], ['audience', 'resource']);

// What the provider saw, for assertions.
const events = [];
for (const name of ['grant.success', 'grant.error', 'grant.revoked', 'refresh_token.consumed', 'end_session.success',
  'backchannel.success', 'backchannel.error', 'server_error', 'authorization.error']) {
  provider.on(name, (...args) => {
    const error = args.find((arg) => arg instanceof Error);
    events.push({
      event: name, grant_type: args[0]?.oidc?.params?.grant_type,
      error: error && `${error.error}: ${error.error_detail ?? error.error_description ?? error.message}`,
    });
  });
}

// Hubs choose their ports when they start, so callbacks are added while the provider runs; still compared exactly.
const redirectUris = new Set(REDIRECT_URIS);
provider.Client.prototype.redirectUriAllowed = (uri) => redirectUris.has(uri);

// Clients of a test's own, with whatever metadata; the addresses of a hub are known only when it runs.
const clients = new Map();
const findClient = provider.Client.find.bind(provider.Client);
provider.Client.find = async (id) => clients.get(id) ?? findClient(id);

async function json(request) {
  let raw = '';
  for await (const chunk of request) raw += chunk;
  return JSON.parse(raw);
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/_test/')) return next();
  const account = ctx.path.match(/^\/_test\/accounts\/(.+)$/)?.[1];
  if (ctx.path === '/_test/health') ctx.body = { ok: true };
  else if (ctx.path === '/_test/events') ctx.body = events;
  else if (ctx.path === '/_test/redirect_uris' && ctx.method === 'PUT') {
    for (const uri of await json(ctx.req)) redirectUris.add(uri);
    ctx.body = [...redirectUris];
  } else if (ctx.path === '/_test/clients' && ctx.method === 'PUT') {
    const metadata = await json(ctx.req);
    clients.set(metadata.client_id, new provider.Client(metadata));
    ctx.body = {};
  } else if (ctx.path === '/_test/ttl' && ctx.method === 'PUT') {
    ctx.body = Object.assign(ttl, await json(ctx.req));
  } else if (account && ctx.method === 'PUT') {
    ctx.body = accounts[decodeURIComponent(account)] = await json(ctx.req);
  }
});

provider.listen(PORT, '127.0.0.1', () => console.log(`ready ${ISSUER}`));
