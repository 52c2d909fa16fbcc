/** Those of a middleware by their phases: as one writes them, and which way they go. */
export const callbacks: Readonly<Record<string, { readonly name: string; readonly way: '↓' | '↑' }>> = {
  before_query: { name: 'beforeQuery', way: '↓' },
  on_chunk: { name: 'onChunk', way: '↑' },
  after_response: { name: 'afterResponse', way: '↑' },
  on_error: { name: 'onError', way: '↑' },
};
