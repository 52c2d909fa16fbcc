import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The unit of the table: what Node's own server and client cost with nothing between them. */

const upstream = new URL(process.env.UPSTREAM ?? '');
const agent = new http.Agent({ keepAlive: true });

const server = http.createServer((request, response) => {
  const { method, url: path, headers } = request;
  const { hostname, port } = upstream;
  const outgoing = http.request({ agent, hostname, port, method, path, headers }, (incoming) => {
    response.writeHead(incoming.statusCode ?? 502, incoming.rawHeaders);
    incoming.pipe(response);
  });
  outgoing.on('error', (error) => response.destroy(error));
  request.pipe(outgoing);
});

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
