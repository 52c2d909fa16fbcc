import './trace.css';

export function TracePage({ traceId }: { readonly traceId: string; readonly query: URLSearchParams }) {
  return <h1>Trace {traceId}</h1>;
}
