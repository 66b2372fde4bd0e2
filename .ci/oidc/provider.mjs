// An OpenID provider for one test: node provider.mjs PORT KEY_ID [REDIRECT_URI]. It makes its signing key itself and serves
// until it is killed. Its first client gets access tokens that name a tracer; the second signs people in to a console, whoever
// they say they are, and sends them back to REDIRECT_URI.
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [port, kid, redirectUri] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${process.env.OIDC_PROVIDER}/package.json`));
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' };
const resource = { scope: '', audience: 'isthmus', accessTokenTTL: 240, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256', kid } } };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: [{
    client_id: 'tracer-7', client_secret: 'a secret of the test only', token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'ES256', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
  }, ...(redirectUri ? [{
    client_id: 'console', client_secret: 'a secret of the test only', token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'ES256', grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [redirectUri], response_types: ['code'],
  }] : [])],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: Boolean(redirectUri) },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:isthmus',
      useGrantedResource: () => true,
      getResourceServerInfo: () => resource,
    },
  },
  extraTokenClaims: () => ({ isthmus_role: 'cdc-tracer', isthmus_unit: 'CDC-01' }),
  formats: { customizers: { jwt: (ctx, token, jwt) => { jwt.payload.nbf = jwt.payload.iat; } } },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
