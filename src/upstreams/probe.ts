import fetch from 'node-fetch';
import type { UpstreamConfig } from '../config/config.ts';
import type { Limits } from '../limits.ts';
import { CertificateAgent } from './certificate-agent.ts';
import { httpAddress } from './http-address.ts';

export type ProbeState = 'unknown' | 'up' | 'down' | 'not_probed';

export interface ProbeResult {
  readonly upstream: string;
  readonly state: ProbeState;
  /** HTTP status, or why there was none. */
  readonly detail: string | undefined;
  /** ISO 8601. */
  readonly checkedAt: string | undefined;
  /** When the TLS certificate ends that the upstream showed, ISO 8601; also where it is not accepted. */
  readonly certificateEndsAt: string | undefined;
}

/** What is probed: an address, or none where the configuration says so. */
export interface ProbeTarget {
  readonly upstream: string;
  readonly url: URL | undefined;
}

export function probeTarget({ name, url, probe }: UpstreamConfig): ProbeTarget {
  return { upstream: name, url: probe ? new URL(probe.path, httpAddress(url)) : undefined };
}

/**
 * Asks upstreams whether they are there. Any HTTP reply is a yes: many answer 401 or 404 without a key. It
 * asks only when somebody asks it, and at most once an interval. Not on the data path: node-fetch will do.
 */
export class Probes {
  readonly #targets: readonly ProbeTarget[];
  readonly #limits: Pick<Limits, 'probeTimeoutMs' | 'probeIntervalMs'>;
  #results: Promise<ProbeResult[]> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(targets: readonly ProbeTarget[], limits: Pick<Limits, 'probeTimeoutMs' | 'probeIntervalMs'>) {
    this.#targets = targets;
    this.#limits = limits;
  }

  results(): Promise<ProbeResult[]> {
    const now = performance.now();
    if (!this.#results || now - this.#askedAt >= this.#limits.probeIntervalMs) {
      this.#askedAt = now;
      this.#results = Promise.all(this.#targets.map((target) => this.#probe(target)));
    }
    return this.#results;
  }

  async #probe({ upstream, url }: ProbeTarget): Promise<ProbeResult> {
    if (!url) return { upstream, state: 'not_probed', ...nothingKnown };
    const checkedAt = new Date().toISOString();
    const agent = url.protocol === 'https:' ? new CertificateAgent() : undefined;
    const { state, detail } = await this.#ask(url, agent);
    const certificateEndsAt = agent?.certificateEndsAt?.toISOString();
    return { upstream, state, detail, checkedAt, certificateEndsAt };
  }

  async #ask(url: URL, agent: CertificateAgent | undefined): Promise<Pick<ProbeResult, 'state' | 'detail'>> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.#limits.probeTimeoutMs);
    try {
      const reply = await fetch(url.href, { redirect: 'manual', signal: abort.signal, agent });
      // What is not read fails when it is dropped, and nobody needs to hear of it.
      reply.body?.on('error', () => undefined).resume();
      abort.abort();
      return { state: 'up', detail: `HTTP ${reply.status}` };
    } catch (thrown) {
      const why = abort.signal.aborted ? `no reply within ${this.#limits.probeTimeoutMs} ms` : reason(thrown);
      return { state: 'down', detail: why };
    } finally {
      clearTimeout(timer);
      agent?.destroy();
    }
  }
}

const nothingKnown = { detail: undefined, checkedAt: undefined, certificateEndsAt: undefined };

function reason(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
