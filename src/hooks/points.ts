import type { Alert } from '../alerts/alert.ts';
import type { SightlineError } from '../errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Query } from '../exchange/query.ts';
import type { ExchangeView } from '../exchange/view.ts';
import type { RawHeaders } from '../wire/headers.ts';

/** What an attempt looks like to a hook. */
export type AttemptView = Pick<
  Readonly<Attempt>,
  'number' | 'upstream' | 'status' | 'outcome' | 'outputChunks' | 'bytes'
>;

/** Why a version of a plugin cannot be used. Lines and columns count from 1. */
export interface RejectedVersion {
  /** Where on its way: `build`, `evaluate`, `shape`, `config`, `dependencies` or `initialize`. */
  readonly step: string;
  readonly message: string;
  readonly place: { readonly file: string; readonly line?: number; readonly column?: number } | undefined;
}

/** Each hook point with what its callbacks get. A new point is a row here and its one call site. */
export interface HookPoints {
  'exchange.started': { exchange: ExchangeView };
  'query.ready': { exchange: ExchangeView; query: Query };
  'attempt.started': { exchange: ExchangeView; attempt: AttemptView };
  'reply.head': { exchange: ExchangeView; status: number; headers: RawHeaders };
  'reply.first_token': { exchange: ExchangeView; elapsedMs: number };
  'reply.chunk': { exchange: ExchangeView; bytes: Buffer };
  'attempt.ended': { exchange: ExchangeView; attempt: AttemptView };
  'exchange.error': { exchange: ExchangeView; error: SightlineError };
  'exchange.ended': { exchange: ExchangeView };
  'plugin.loaded': { plugin: string; version: string; file: string };
  'plugin.reloaded': { plugin: string; version: string; previousVersion: string; file: string };
  'plugin.rejected': {
    /** Undefined where the file did not get as far as telling its name. */
    plugin: string | undefined;
    version: string | undefined;
    file: string;
    problem: RejectedVersion;
  };
  'plugin.unloaded': { plugin: string; version: string; file: string };
  'alert.fired': { alert: Alert };
  'alert.resolved': { alert: Alert };
}

export type HookPoint = keyof HookPoints;

/** When each point comes, for people; the README's table is held against it. In the order of an exchange. */
export const hookPoints: { readonly [P in HookPoint]: string } = {
  'exchange.started': 'The head of a request has arrived.',
  'query.ready': 'Every `beforeQuery` has run: this is what goes to the model.',
  'attempt.started': 'The query is on its way to an upstream.',
  'reply.head': 'Status and headers of the reply have arrived from the upstream.',
  'reply.first_token': 'The first event with output of the model has arrived.',
  'reply.chunk': 'A piece of the body has gone to the client, as bytes.',
  'attempt.ended': 'The attempt has its outcome.',
  'exchange.error': 'The exchange has failed, with an error of the error table.',
  'exchange.ended': 'The exchange has its outcome, and telemetry is made of it.',
  'plugin.loaded': 'A plugin is active that was not.',
  'plugin.reloaded': 'A new version has taken the place of the one before it, for exchanges that begin now.',
  'plugin.rejected': 'A version of a plugin cannot be used; what was active goes on.',
  'plugin.unloaded': 'A plugin is no longer active; exchanges that began with it go on with it.',
  'alert.fired': "A figure of the service has been beyond its threshold for the threshold's hold time.",
  'alert.resolved': 'It has been within its threshold again for two minutes, or as long as is configured.',
};
