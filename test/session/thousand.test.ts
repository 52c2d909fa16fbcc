import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { runNode } from '../support/run-process.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MiB = 1024 * 1024;

const proxied = 900;
const streams = 100;
const slow = 10;
/** What each slow client is offered: far more than all buffers on its way together. */
const offered = 96 * MiB;
const piece = Buffer.alloc(64 * 1024, 'x');
const roundTrips = 20;

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Many at once, but not all: nobody waits for a handshake longer than it takes. */
async function openMany(url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(50, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => open(url)))));
  }
  return sockets;
}

/** Sends and reads nothing, until nothing more is taken. */
async function stuff(socket: WebSocket): Promise<number> {
  socket.pause();
  let sent = 0;
  let idle = 0;
  while (sent < offered && idle < 10) {
    if (socket.bufferedAmount < MiB) {
      socket.send(piece);
      sent += piece.length;
      idle = 0;
    } else {
      idle += 1;
      await after(20);
    }
  }
  return sent - socket.bufferedAmount;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function talk(socket: WebSocket, text: string): Promise<void> {
  for (let i = 0; i < roundTrips; i += 1) {
    const answer = once(socket, 'message');
    socket.send(`${text} ${i}`);
    const [data] = await answer;
    assert.equal(String(data), `${text} ${i}`);
  }
}

describe('a thousand sessions at once', () => {
  it('slow readers among them: memory stays within bounds, nobody starves, and all are told when it stops', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sightline-thousand-'));
    const simulator = await startSimulator();
    try {
      await using running = runNode([main], {
        cwd: folder,
        env: {
          SIGHTLINE_UPSTREAM: simulator.url,
          SIGHTLINE_HOST: '127.0.0.1',
          SIGHTLINE_PORT: '0',
          SIGHTLINE_ADMIN_PORT: '0',
          OTEL_TRACES_EXPORTER: 'none',
        },
      });
      const [, data = '', admin = ''] = await running.waitForLine(/data (http\S+) · admin (http\S+)/);
      const base = data.replace('http:', 'ws:');
      const slowOnes = await openMany(`${base}/echo/slow`, slow);
      const quickOnes = await openMany(`${base}/echo/quick`, proxied - slow);
      const streamOnes = await openMany(`${base}/stream`, streams);
      const idleBytes = await residentBytes(running.pid);

      // While the slow ones are stuffed, and when they are.
      const [taken] = await Promise.all([
        Promise.all(slowOnes.map(stuff)),
        Promise.all(quickOnes.map((socket, i) => talk(socket, `session ${i}`))),
      ]);
      for (const bytes of taken)
        assert.ok(bytes < offered, `a slow client was relieved of all its ${offered} bytes`);
      await Promise.all(quickOnes.map((socket, i) => talk(socket, `again ${i}`)));
      const grownBytes = (await residentBytes(running.pid)) - idleBytes;
      // Garbage of the quick ones comes and goes; what all the slow ones offered would be five times as much.
      const boundBytes = slow * 4 * MiB + 160 * MiB;
      assert.ok(grownBytes < boundBytes, `grew by ${grownBytes} bytes; the bound is ${boundBytes}`);

      const { inFlight } = (await (await fetch(`${admin}/api/exchanges`)).json()) as { inFlight: number };
      assert.equal(inFlight, proxied + streams);

      const codes = (sockets: WebSocket[]) =>
        Promise.all(sockets.map(async (socket) => (await once(socket, 'close'))[0] as number));
      const closes = Promise.all([codes(quickOnes), codes(streamOnes)]);
      running.kill('SIGTERM');
      const [quickCodes, streamCodes] = await closes;
      assert.deepEqual([...new Set(quickCodes)], [1001]);
      assert.deepEqual([...new Set(streamCodes)], [1012]);
      for (const socket of slowOnes) socket.resume();
      assert.deepEqual(
        await codes(slowOnes.filter(({ readyState }) => readyState !== WebSocket.CLOSED)).then((all) => [
          ...new Set(all),
        ]),
        [1001],
      );
      assert.deepEqual(await running.waitForExit(40_000), { code: 0, signal: null });
    } finally {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
