import './try.css';

export function TryPage(_props: { readonly query: URLSearchParams }) {
  return <h1>Try</h1>;
}
