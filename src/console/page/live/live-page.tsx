import './live.css';

export function LivePage(_props: { readonly query: URLSearchParams }) {
  return <h1>Live</h1>;
}
