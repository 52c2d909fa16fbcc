import type { ConsoleInfo } from '../../../admin/api/console-info.ts';
import { type Api, type ApiName, apis, pathOf, simulatedModels } from './apis.ts';
import { parseBody } from './body.ts';
import type { TryQuery } from './run.ts';

/** What is filled in. */
export interface FormState {
  readonly api: ApiName;
  /** Of the upstream that is asked. */
  readonly prefix: string;
  readonly model: string;
  readonly prompt: string;
  readonly isStream: boolean;
  /** The whole body as somebody has written it; undefined: it is made of the fields. */
  readonly json: string | undefined;
}

/** For the upstream itself; never kept beyond the page. */
export interface Credential {
  readonly key: string;
  readonly isBearer: boolean;
}

export const noCredential: Credential = { key: '', isBearer: true };

const prompts: Readonly<Record<ApiName, string>> = {
  chat: 'What does a trace tell that a log line does not?',
  responses: 'What does a trace tell that a log line does not?',
  messages: 'What does a trace tell that a log line does not?',
  embeddings: 'The first token matters more to a reader than the average one.',
};

/** What one can send at once. */
export function firstState({
  isSimulator,
  upstreams,
}: Pick<ConsoleInfo, 'isSimulator' | 'upstreams'>): FormState {
  const api = 'chat';
  return {
    api,
    prefix: upstreams[0]?.prefix ?? '/',
    model: isSimulator ? 'sim-tokens-40' : apis[api].model,
    prompt: prompts[api],
    isStream: true,
    json: undefined,
  };
}

/** The same for another API: what somebody has filled in stays, what was only suggested changes with it. */
export function withApi(state: FormState, api: ApiName): FormState {
  const next = {
    ...state,
    api,
    model: isSuggested(state, api) ? apis[api].model : state.model,
    prompt: state.prompt === prompts[state.api] ? prompts[api] : state.prompt,
  };
  return state.json === undefined ? next : { ...next, json: bodyText(next) };
}

/** None that simulates a fault has vectors. */
function isSuggested({ model, api }: FormState, next: ApiName): boolean {
  return (
    model === apis[api].model || (next === 'embeddings' && simulatedModels.some((row) => row.model === model))
  );
}

/** The body that the fields make, to be read by people. */
export function bodyText({ api, model, prompt, isStream }: Omit<FormState, 'json'>): string {
  const { body, canStream }: Api = apis[api];
  return JSON.stringify(body({ model, prompt, isStream: isStream && canStream }), undefined, 2);
}

/** What is sent, or why nothing can be. */
export function queryOf(
  state: FormState,
  { key, isBearer }: Credential,
): { readonly query: TryQuery; readonly problem?: undefined } | { readonly problem: string } {
  const text = state.json ?? bodyText(state);
  const { problem } = parseBody(text);
  if (problem !== undefined) return { problem };
  const { dialect, headers }: Api = apis[state.api];
  const credential = key.trim();
  return {
    query: {
      dialect,
      path: pathOf(state.api, state.prefix),
      body: text,
      headers: {
        ...headers,
        ...(credential !== '' &&
          (isBearer
            ? { 'x-upstream-authorization': `Bearer ${credential}` }
            : { 'x-upstream-api-key': credential })),
      },
    },
  };
}
