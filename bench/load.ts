import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Ask } from './payloads.ts';

/** Replies that are not counted: the first ones pay for connections on both sides. */
const leadIn = 20;

/**
 * Keeps that many requests under way until `isOver`, and waits for the last of them. Resolves with the number of
 * replies, all of them complete.
 */
export async function saturate(
  origin: URL,
  ask: Ask,
  connections: number,
  isOver: (replies: number) => boolean,
): Promise<number> {
  let replies = 0;
  const keepAsking = async () => {
    const connection = await Connection.open(origin, ask);
    try {
      do {
        await connection.send();
        replies += 1;
      } while (!isOver(replies));
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, keepAsking));
  return replies;
}

/** Requests at a fixed rate, however long the replies take. Resolves with the latency of each, ms. */
export async function atRate(origin: URL, ask: Ask, perSecond: number, forMs: number): Promise<number[]> {
  const all: Connection[] = [];
  const idle: Connection[] = [];
  const latencies: number[] = [];
  const one = async () => {
    let connection = idle.pop();
    if (!connection) {
      connection = await Connection.open(origin, ask);
      all.push(connection);
    }
    const sentAt = performance.now();
    await connection.send();
    latencies.push(performance.now() - sentAt);
    idle.push(connection);
  };
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let sent = 0; sent < leadIn + (perSecond * forMs) / 1000; sent += 1) {
    const waitMs = startedAt + (sent * 1000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    underWay.push(one());
  }
  try {
    await Promise.all(underWay);
  } finally {
    for (const connection of all) connection.close();
  }
  return latencies.slice(leadIn);
}
