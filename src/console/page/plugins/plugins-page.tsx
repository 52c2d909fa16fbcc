import './plugins.css';

export function PluginsPage(_props: { readonly query: URLSearchParams }) {
  return <h1>Plugins</h1>;
}
