import { CopyButton } from '../parts/copy-button.tsx';
import { info } from '../state/info.ts';
import { curlOf } from './curl/curl.ts';
import type { ExchangeFacts } from './exchange-facts.ts';

/** What one can do with a trace, and with one of its exchanges. */
export function TraceActions({
  traceId,
  exchange,
}: {
  readonly traceId: string;
  readonly exchange: ExchangeFacts | undefined;
}) {
  const service = info.value;
  const curl = service && exchange && curlOf(exchange, service);
  return (
    <>
      {curl && <CopyButton text={curl} label="Copy as curl" />}
      <CopyButton text={traceId} label="Copy trace id" />
      <JaegerLink traceId={traceId} />
      <a
        class="button"
        href={`/api/traces/${encodeURIComponent(traceId)}`}
        download={`trace-${traceId}.json`}
      >
        Download JSON
      </a>
    </>
  );
}

/** Where Jaeger has the same trace; nothing where no Jaeger is configured. */
export function JaegerLink({ traceId }: { readonly traceId: string }) {
  const jaeger = info.value?.jaegerUrl;
  if (!jaeger) return null;
  return (
    <a
      class="button"
      href={`${jaeger}/trace/${encodeURIComponent(traceId)}`}
      target="_blank"
      rel="noreferrer"
    >
      Open in Jaeger
    </a>
  );
}
