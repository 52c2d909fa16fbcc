import { headerValue } from '../wire/headers.ts';
import { EventStream } from './event-stream.ts';
import { PassThrough } from './pass-through.ts';
import type { ReplyHead, ReplyMode, ReplyScene } from './reply-mode.ts';
import { WholeReply } from './whole-reply.ts';

/**
 * Bytes pass untouched, unless a middleware of this exchange wants to read what they say, and a dialect
 * knows how.
 */
export function chooseMode(scene: ReplyScene, head: ReplyHead): ReplyMode {
  const { attempt, exchange, passage } = scene;
  const { dialect } = exchange.route;
  const contentType = headerValue(head.headers, 'content-type')?.toLowerCase() ?? '';
  attempt.streamed =
    dialect !== undefined && head.status < 400 && contentType.startsWith('text/event-stream');
  const hasBody = exchange.request.method !== 'HEAD' && head.status !== 204 && head.status !== 304;
  if (dialect && passage && hasBody) {
    if (attempt.streamed && passage.changesChunks) return new EventStream(scene, head, dialect);
    if (isJson(contentType) && passage.readsReplies) return new WholeReply(scene, head, dialect);
  }
  return new PassThrough(scene, head);
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/.test(contentType);
}
