// oidc-provider on a free loopback port, which it prints: its own development login and consent
// pages, one confidential client. It ends when its standard input does.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// Standard output is for the port alone.
console.info = console.warn = console.error;
const installed = createRequire(process.argv[2] + '/package.json');
const { Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));

const client = {
  client_id: 'lab',
  client_secret: 'lab secret/+',
  redirect_uris: ['https://client.example/cb'],
  grant_types: ['authorization_code'],
  response_types: ['code'],
};
const configuration = {
  clients: [client],
  cookies: { keys: ['a key of a test'] },
  features: {
    dPoP: {
      enabled: true,
      nonceSecret: Buffer.alloc(32, 7),
      // A proof must carry the server's nonce: RFC 9449, section 8.
      requireNonce: () => true,
    },
  },
};

let answer = (_, response) => response.end();
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, configuration);
  provider.on('server_error', (_, error) => console.error(error));
  answer = provider.callback();
  console.log(port);
});
process.stdin.resume().on('end', () => process.exit());
