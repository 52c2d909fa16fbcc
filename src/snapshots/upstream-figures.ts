import { describeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Instruments } from '../telemetry/metrics/instruments.ts';
import { attribute } from '../telemetry/names.ts';
import type { Probes } from '../upstreams/probe.ts';
import type { Snapshot } from './snapshot.ts';

interface LastKnown {
  readonly up: 0 | 1 | undefined;
  /** ms since the epoch. */
  readonly certificateEndsAt: number | undefined;
}

const dayMs = 86_400_000;

/** What the last probes found, for snapshots and as metrics. */
export class UpstreamFigures {
  readonly #probes: Pick<Probes, 'results'>;
  readonly #log: Logger;
  readonly #known = new Map<string, LastKnown>();

  constructor(
    probes: Pick<Probes, 'results'>,
    instruments: Pick<Instruments, 'upstreamUp' | 'upstreamCertificate'>,
    log: Logger,
  ) {
    this.#probes = probes;
    this.#log = log;
    instruments.upstreamUp.addCallback((result) => {
      for (const [name, { up }] of this.#known)
        if (up !== undefined) result.observe(up, { [attribute.upstream]: name });
    });
    instruments.upstreamCertificate.addCallback((result) => {
      for (const [name, { certificateEndsAt: endsAt }] of this.#known)
        if (endsAt !== undefined)
          result.observe((endsAt - Date.now()) / 1000, { [attribute.upstream]: name });
    });
  }

  /** Has the upstreams probed, in the background, where it is time to. Resolves when that is over; never rejects. */
  async ask(): Promise<void> {
    try {
      for (const { upstream, state, certificateEndsAt } of await this.#probes.results()) {
        this.#known.set(upstream, {
          up: state === 'up' ? 1 : state === 'down' ? 0 : undefined,
          // One that cannot be reached now has the certificate that it had.
          certificateEndsAt: certificateEndsAt
            ? Date.parse(certificateEndsAt)
            : this.#known.get(upstream)?.certificateEndsAt,
        });
      }
    } catch (thrown) {
      this.#log.error(describeError(thrown), 'upstreams cannot be probed');
    }
  }

  /** As they are known at this moment, ms since the epoch. */
  look(at: number): Snapshot['upstreams'] {
    const figures = [...this.#known].map(([name, { up, certificateEndsAt: endsAt }]) => [
      name,
      {
        ...(up !== undefined && { up }),
        ...(endsAt !== undefined && { certificateDays: (endsAt - at) / dayMs }),
      },
    ]);
    return Object.fromEntries(figures);
  }
}
