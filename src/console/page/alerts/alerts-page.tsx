import './alerts.css';

export function AlertsPage(_props: { readonly query: URLSearchParams }) {
  return <h1>Alerts</h1>;
}
