// Fastify with @fastify/jwt in front of the service: fastify.mjs PORT UPSTREAM SECRET-FILE
// It verifies the token by itself: what was revoked passes until the token's end.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import jwt from '@fastify/jwt';
import proxy from '@fastify/http-proxy';

const [port, upstream, secret] = process.argv.slice(2);
const app = Fastify({ logger: false });
await app.register(jwt, { secret: readFileSync(secret, 'utf8').trim(), verify: { algorithms: ['HS256'] } });
app.get('/healthz', async () => ({ status: 'ok' }));
app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url === '/healthz') return;
    try {
        await request.jwtVerify();
    } catch {
        return reply.code(401).send({ error: 'invalid_token' });
    }
    const scopes = String(request.user.scope ?? '').split(' ');
    if (!scopes.includes('items:read')) {
        return reply.code(403).send({ error: 'insufficient_scope' });
    }
});
await app.register(proxy, { upstream: `http://${upstream}` });
await app.listen({ host: '127.0.0.1', port: Number(port) });
