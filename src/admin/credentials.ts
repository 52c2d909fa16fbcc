import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Limits } from '../limits.ts';
import { WrongTokens } from './wrong-tokens.ts';

type CredentialLimits = Pick<Limits, 'consoleSessionMs' | 'wrongTokensPerMinuteMax'>;

const sessionForm = /^(\d{1,16})\.([\w-]{43})$/;

/**
 * The admin token, and the sessions that whoever knows it may have. A session is a text that its holder keeps: when it
 * ends, and a code that only the token could have made of that (RFC 2104). Nothing of it is kept here, and with
 * another token all of them have ended.
 */
export class Credentials {
  readonly sessionMs: number;
  readonly wrongLogins: WrongTokens;
  /** Apart from those at the login: a scraper with an old token must lock nobody out. */
  readonly wrongBearers: WrongTokens;
  readonly #token: Buffer;
  readonly #key: Buffer;
  readonly #clock: () => number;

  /** @param clock ms since the epoch. */
  constructor(token: string, limits: CredentialLimits, clock: () => number = Date.now) {
    this.sessionMs = limits.consoleSessionMs;
    this.wrongLogins = new WrongTokens(limits.wrongTokensPerMinuteMax);
    this.wrongBearers = new WrongTokens(limits.wrongTokensPerMinuteMax);
    this.#token = digest(token);
    this.#key = createHmac('sha256', token).update('sightline console session').digest();
    this.#clock = clock;
  }

  /** In constant time. */
  isToken(sent: string): boolean {
    return timingSafeEqual(digest(sent), this.#token);
  }

  /** A new session, for whoever has shown the token. */
  openSession(): string {
    const end = String(this.#clock() + this.sessionMs);
    return `${end}.${this.#codeOf(end).toString('base64url')}`;
  }

  /** When it ends, ms since the epoch; undefined where it has, or was not made here. In constant time. */
  endOfSession(sent: string): number | undefined {
    const [, end, code] = sessionForm.exec(sent) ?? [];
    if (end === undefined || code === undefined) return undefined;
    const isOurs = timingSafeEqual(Buffer.from(code, 'base64url'), this.#codeOf(end));
    return isOurs && this.#clock() < Number(end) ? Number(end) : undefined;
  }

  #codeOf(end: string): Buffer {
    return createHmac('sha256', this.#key).update(end).digest();
  }
}

/** Of equal length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
