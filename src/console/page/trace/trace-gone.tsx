import type { ExchangesWindow } from '../../../admin/api/exchanges.ts';
import { duration } from '../parts/format.ts';
import { Notice } from '../parts/notice.tsx';
import { OutcomeBadge } from '../parts/outcome.tsx';
import { useData } from '../state/use-data.ts';
import { JaegerLink } from './trace-actions.tsx';

const linesMax = 20;

/** In place of a trace that is not kept, or never was: what is still known of its exchanges. */
export function TraceGone({ traceId }: { readonly traceId: string }) {
  const { data } = useData<ExchangesWindow>(
    `/api/exchanges?text=${encodeURIComponent(traceId)}&limit=${linesMax}`,
  );
  const lines = data?.exchanges ?? [];
  return (
    <>
      <GoneNotice traceId={traceId} isSampled={lines.every(({ isSampled }) => isSampled)} />
      {lines.length > 0 && (
        <section class="card">
          <h2>What is still known</h2>
          <table class="data">
            <thead>
              <tr>
                <th scope="col">Outcome</th>
                <th scope="col">Exchange</th>
                <th scope="col">Model</th>
                <th scope="col">Error</th>
                <th scope="col" class="num">
                  Duration
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map(({ id, startedAt, outcome, method, path, model, error, durationMs }) => (
                <tr key={`${id}-${startedAt}`}>
                  <td>
                    <OutcomeBadge outcome={outcome} />
                  </td>
                  <td class="mono" dir="auto">
                    {method} {path}
                  </td>
                  <td dir="auto">{model}</td>
                  <td class="mono">{error}</td>
                  <td class="num">{duration(durationMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

interface GoneNoticeProps {
  readonly traceId: string;
  readonly isSampled: boolean;
}

/** In place of spans that there are none of, and will be none. */
export function GoneNotice({ traceId, isSampled }: GoneNoticeProps) {
  return (
    <Notice kind="info" title="This trace is not kept here" actions={<JaegerLink traceId={traceId} />}>
      {isSampled
        ? 'Sightline keeps the newest traces in memory, those in which something went wrong for longer. Older ones are where traces are exported to.'
        : 'It was not recorded: whoever began it decided so.'}
    </Notice>
  );
}
