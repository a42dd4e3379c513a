// What oauth4webapi makes of the server at argv[2], unchanged: discovery, client credentials, introspection, revocation,
// and with argv[3] `dpop` tokens that are bound to a key.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'

const issuer = new URL(process.argv[2])
const bound = process.argv[3] === 'dpop'
// Loopback, without TLS.
const insecure = { [oauth.allowInsecureRequests]: true }

const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
const server = await oauth.processDiscoveryResponse(issuer, found)
const client = { client_id: 'demo-client' }
const secret = oauth.ClientSecretBasic('demo-secret')

const key = bound ? await oauth.generateKeyPair('ES256') : undefined
const proof = bound ? { DPoP: oauth.DPoP(client, key) } : {}
const wanted = new URLSearchParams({ scope: 'items:read' })
const answer = await oauth.clientCredentialsGrantRequest(server, client, secret, wanted, { ...proof, ...insecure })
const token = await oauth.processClientCredentialsResponse(server, client, answer)
assert.equal(token.token_type, bound ? 'dpop' : 'bearer')
assert.equal(token.scope, 'items:read')

const items = async (proof) => {
  const url = new URL('/items/', issuer)
  try {
    const answer = await oauth.protectedResourceRequest(token.access_token, 'GET', url, new Headers(), null, { ...proof, ...insecure })
    return answer.status
  } catch (error) {
    assert(error instanceof oauth.WWWAuthenticateChallengeError, error)
    return error.response.status
  }
}
assert.equal(await items(proof), 200)
if (bound) {
  assert.equal(await items({}), 401, 'a bound token alone')
  const thief = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  assert.equal(await items({ DPoP: thief }), 401, 'a bound token with another key')
}

const introspect = async () => {
  const answer = await oauth.introspectionRequest(server, client, secret, token.access_token, insecure)
  return oauth.processIntrospectionResponse(server, client, answer)
}
const said = await introspect()
assert.equal(said.active, true)
assert.equal(said.client_id, 'demo-client')
assert.equal(typeof said.cnf?.jkt, bound ? 'string' : 'undefined')

const gone = await oauth.revocationRequest(server, client, secret, token.access_token, insecure)
await oauth.processRevocationResponse(gone)
assert.deepEqual({ ...(await introspect()) }, { active: false })
assert.equal(await items(proof), 401)
console.log('ok')
