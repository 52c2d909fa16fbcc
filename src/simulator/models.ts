/** Aliases as the real APIs resolve them: what is asked for → what the reply says it was. */
const aliases: Readonly<Record<string, string>> = {
  'gpt-5.5': 'gpt-5.5-2026-04-23',
  'gpt-5.2': 'gpt-5.2-2025-12-11',
  'gpt-5.1': 'gpt-5.1-2025-11-13',
  'gpt-5': 'gpt-5-2025-08-07',
  'gpt-5-mini': 'gpt-5-mini-2025-08-07',
  'gpt-5-nano': 'gpt-5-nano-2025-08-07',
  'gpt-4.1': 'gpt-4.1-2025-04-14',
  'gpt-4.1-mini': 'gpt-4.1-mini-2025-04-14',
  'gpt-4.1-nano': 'gpt-4.1-nano-2025-04-14',
  'gpt-4o': 'gpt-4o-2024-08-06',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-4-turbo': 'gpt-4-turbo-2024-04-09',
  'gpt-4': 'gpt-4-0613',
  'gpt-3.5-turbo': 'gpt-3.5-turbo-0125',
  'gpt-3.5-turbo-instruct': 'gpt-3.5-turbo-instruct:20230824-v2',
  o1: 'o1-2024-12-17',
  o3: 'o3-2025-04-16',
  'o3-mini': 'o3-mini-2025-01-31',
  'o4-mini': 'o4-mini-2025-04-16',
  'gpt-realtime': 'gpt-realtime-2025-08-28',
  'gpt-4o-realtime-preview': 'gpt-4o-realtime-preview-2024-12-17',
  'text-embedding-3-small': 'text-embedding-3-small',
  'text-embedding-3-large': 'text-embedding-3-large',
  'text-embedding-ada-002': 'text-embedding-ada-002-v2',
  'claude-sonnet-5': 'claude-sonnet-5',
  'claude-opus-4-5': 'claude-opus-4-5-20251101',
  'claude-opus-4-1': 'claude-opus-4-1-20250805',
  'claude-sonnet-4-5': 'claude-sonnet-4-5-20250929',
  'claude-haiku-4-5': 'claude-haiku-4-5-20251001',
  'claude-3-7-sonnet-latest': 'claude-3-7-sonnet-20250219',
  'claude-3-5-haiku-latest': 'claude-3-5-haiku-20241022',
};

/** The model that the reply names. */
export function answeringModel(requested: string): string {
  return Object.hasOwn(aliases, requested) ? (aliases[requested] ?? requested) : requested;
}

/**
 * Does the model think before it answers? OpenAI's own models hide what they think and only count it;
 * models named `…-reasoning` show it, as open-weights servers do with `reasoning_content`.
 */
export function reasoningOf(model: string): 'none' | 'hidden' | 'shown' {
  if (/-reasoning$/.test(model)) return 'shown';
  return /^o[134](-|$)/.test(model) ? 'hidden' : 'none';
}

/** `GET /v1/models`, as OpenAI answers it. */
export function modelList(): object {
  const data = Object.keys(aliases).map((id) => ({
    id,
    object: 'model',
    created: 1_700_000_000,
    owned_by: id.startsWith('claude') ? 'anthropic' : 'openai',
  }));
  return { object: 'list', data };
}
