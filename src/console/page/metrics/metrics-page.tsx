import './metrics.css';

export function MetricsPage(_props: { readonly query: URLSearchParams }) {
  return <h1>Metrics</h1>;
}
