import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fetch from 'node-fetch';

/** The shortest proxy that one would write with these two: why node-fetch is not on the data path. */

const upstream = process.env.UPSTREAM ?? '';
const agent = new http.Agent({ keepAlive: true });
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding']);

const app = express();
app.disable('x-powered-by');
app.use(async (request, response) => {
  const { method, url, headers } = request;
  const sent = Object.entries(headers).filter(([name]) => name !== 'host' && !hopByHop.has(name));
  const reply = await fetch(upstream + url, {
    agent,
    method,
    headers: sent.map(([name, value]) => [name, String(value)] as [string, string]),
    body: request,
  });
  response.status(reply.status);
  for (const [name, value] of reply.headers) if (!hopByHop.has(name)) response.setHeader(name, value);
  reply.body?.pipe(response);
});

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
