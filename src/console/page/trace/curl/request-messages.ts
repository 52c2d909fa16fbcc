import type { TraceSpan } from '../../../../admin/api/traces.ts';
import { type ContentMessage, type ContentPart, conversationOf } from '../content.ts';

type Json = Record<string, unknown>;

/** Where what was said is not captured. */
const placeholder = 'Hello!';

/** The members of a query that say something, as its dialect has them; undefined of one that cannot be asked so. */
export function messagesFor(span: TraceSpan, dialect: string | undefined): Json | undefined {
  const told = conversationOf(span);
  const asked = told?.messages.filter(({ isAnswer }) => !isAnswer) ?? [];
  const instructions = textOf(told?.instructions ?? []);
  switch (dialect) {
    case 'openai.chat':
      return { messages: orPlaceholder([...system(instructions), ...asked.flatMap(chatMessages)]) };
    case 'anthropic.messages':
      return { system: instructions || undefined, messages: orPlaceholder(asked.map(anthropicMessage)) };
    case 'openai.responses':
      return {
        instructions: instructions || undefined,
        input: asked.length > 0 ? asked.flatMap(responseItems) : placeholder,
      };
    case 'openai.completions':
      return { prompt: asked[0] ? textOf(asked[0].parts) : placeholder };
    case 'openai.embeddings':
      return { input: asked.length > 0 ? asked.map(({ parts }) => textOf(parts)) : placeholder };
    default:
      return undefined;
  }
}

function orPlaceholder(messages: readonly Json[]): readonly Json[] {
  return messages.length > 0 ? messages : [{ role: 'user', content: placeholder }];
}

function system(instructions: string): Json[] {
  return instructions === '' ? [] : [{ role: 'system', content: instructions }];
}

/** A result of a tool is a message of its own. */
function chatMessages({ role, parts }: ContentMessage): Json[] {
  const results = parts.filter(({ kind }) => kind === 'tool_response');
  const calls = parts.filter(({ kind }) => kind === 'tool_call');
  const messages: Json[] = results.map(({ callId, text }) => ({
    role: 'tool',
    tool_call_id: callId ?? '',
    content: text,
  }));
  const said = parts.filter((part) => !results.includes(part) && !calls.includes(part));
  if (said.length === 0 && calls.length === 0) return messages;
  return [
    ...messages,
    {
      role,
      content: said.length > 0 ? textOf(said) : null,
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ callId, title, text }) => ({
          id: callId ?? '',
          type: 'function',
          function: { name: title, arguments: compact(text) },
        })),
      }),
    },
  ];
}

function anthropicMessage({ role, parts }: ContentMessage): Json {
  const content = parts.map((part): Json => {
    const { kind, callId, title, text } = part;
    if (kind === 'tool_call') return { type: 'tool_use', id: callId ?? '', name: title, input: parsed(text) };
    if (kind === 'tool_response') return { type: 'tool_result', tool_use_id: callId ?? '', content: text };
    return { type: 'text', text: textOf([part]) };
  });
  return { role: role === 'tool' ? 'user' : role, content };
}

function responseItems({ role, parts }: ContentMessage): Json[] {
  const items = parts.flatMap(({ kind, callId, title, text }): Json[] => {
    if (kind === 'tool_call')
      return [{ type: 'function_call', call_id: callId ?? '', name: title, arguments: compact(text) }];
    if (kind === 'tool_response')
      return [{ type: 'function_call_output', call_id: callId ?? '', output: text }];
    return [];
  });
  const said = parts.filter(({ kind }) => kind !== 'tool_call' && kind !== 'tool_response');
  return said.length > 0 ? [{ role, content: textOf(said) }, ...items] : items;
}

/** Pictures and the like are not captured: what they are stands for them. What a model thought is not sent again. */
function textOf(parts: readonly ContentPart[]): string {
  return parts
    .filter(({ kind }) => kind !== 'reasoning')
    .map(({ kind, text, title }) => (kind === 'other' ? `[${title ?? 'content'} left out]` : text))
    .join('\n');
}

function compact(json: string): string {
  const value = parsed(json);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
