import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { Endings } from '../support/endings.ts';
import { startService } from '../support/service.ts';

/** What a page's handshake comes to: the status, and what the refusal says. */
async function handshake(url: string, origin: string | undefined): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url, { ...(origin !== undefined && { origin }), perMessageDeflate: false });
  socket.on('error', () => undefined);
  const [what] = await Promise.race([
    once(socket, 'open'),
    once(socket, 'unexpected-response').then(([, response]) => [response]),
  ]);
  if (!what) {
    socket.close();
    await once(socket, 'close');
    return { status: 101, body: '' };
  }
  let body = '';
  for await (const piece of what) body += String(piece);
  return { status: what.statusCode, body };
}

describe('the page that opens a WebSocket', () => {
  for (const path of ['/stream', '/echo']) {
    it(`is of this address, one of those configured, or refused: ${path}`, async () => {
      await using service = await startService({
        config: { data: { host: '127.0.0.1', port: 0, origins: ['https://app.example.com'] } },
      });
      const endings = new Endings(service);
      const url = service.dataUrl.replace('http:', 'ws:') + path;
      for (const origin of [undefined, service.dataUrl, 'https://app.example.com']) {
        assert.equal((await handshake(url, origin)).status, 101, origin);
      }
      for (const origin of [
        'https://evil.example',
        'null',
        'https://app.example.com.evil.example',
        'http://app.example.com',
      ]) {
        const { status, body } = await handshake(url, origin);
        assert.equal(status, 403, origin);
        assert.match(body, /origin_not_allowed/);
        assert.match(body, /data\.origins/);
      }
      await service.inFlight.empty();
      assert.deepEqual(endings.all.map(({ outcome }) => outcome).slice(-4), Array(4).fill('blocked'));
    });
  }

  it('may be any where all are allowed', async () => {
    await using service = await startService({
      config: { data: { host: '127.0.0.1', port: 0, origins: ['*'] } },
    });
    const url = `${service.dataUrl.replace('http:', 'ws:')}/stream`;
    assert.equal((await handshake(url, 'https://evil.example')).status, 101);
  });
});
