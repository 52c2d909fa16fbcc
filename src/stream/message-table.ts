import {
  type ChunkMessage,
  type ClientMessageType,
  clientMessages,
  type ErrorMessage,
  type ResponseMessage,
  type ServerMessage,
} from './protocol.ts';

/** One type of message, for people. */
export interface MessageRow {
  readonly type: ClientMessageType | ServerMessage['type'];
  readonly from: string;
  /** Without `type`; those that may be left out end in a question mark. */
  readonly fields: readonly string[];
  readonly meaning: string;
}

const fromClient: Readonly<Record<ClientMessageType, string>> = {
  query:
    'A request: path, method (`POST`) and headers as over HTTP, and the body as JSON, `text` or `base64`. `reply` is `events` (a stream event by event, other bodies whole) or `bytes` (any body as it is, in pieces). With a `window`, at most so many bytes are on their way.',
  cancel: 'The query is not wanted any more; it is answered with an `error`.',
  window: 'So many bytes more may come of the reply.',
  ping: 'Asks for a `pong` with the same id.',
  pong: 'The answer to a `ping`.',
};

/** Which fields there are, the compiler knows; which of them may be left out, too. */
type Fields<Message> = {
  readonly [Field in keyof Message]-?: undefined extends Message[Field] ? 'optional' : 'always';
};

const chunk: Fields<ChunkMessage> = {
  type: 'always',
  id: 'always',
  status: 'optional',
  statusMessage: 'optional',
  headers: 'optional',
  event: 'optional',
  data: 'optional',
  text: 'optional',
  base64: 'optional',
};

const response: Fields<ResponseMessage> = {
  type: 'always',
  id: 'always',
  status: 'always',
  statusMessage: 'optional',
  headers: 'optional',
  body: 'optional',
  text: 'optional',
  base64: 'optional',
  trailers: 'optional',
  outcome: 'always',
  model: 'optional',
  usage: 'optional',
  finishReasons: 'optional',
  traceId: 'optional',
  exchangeId: 'optional',
};

const error: Fields<ErrorMessage> = { type: 'always', id: 'optional', error: 'always' };

/** Every message of the protocol. */
export const messageRows: readonly MessageRow[] = [
  ...(Object.keys(fromClient) as ClientMessageType[]).map((type) => ({
    type,
    from: type === 'pong' ? 'both' : 'client',
    fields: fieldsOfClient(type),
    meaning: fromClient[type],
  })),
  {
    type: 'chunk',
    from: 'server',
    fields: named(chunk),
    meaning:
      'A part of the reply: an event (`data`: JSON, or a text), or a piece. The first one has the head.',
  },
  {
    type: 'response',
    from: 'server',
    fields: named(response),
    meaning:
      'The end of a query that was answered, whatever the status; a body that did not go in chunks is here.',
  },
  {
    type: 'error',
    from: 'server',
    fields: named(error),
    meaning:
      '`error` has `code`, `message`, `status`. A query that failed or broke off: with `outcome`, `traceId`, `exchangeId`. A message that was not accepted: with `field` and `reason`; the connection stays.',
  },
];

function named(fields: Readonly<Record<string, 'always' | 'optional'>>): string[] {
  return Object.entries(fields)
    .filter(([name]) => name !== 'type')
    .map(([name, when]) => (when === 'optional' ? `${name}?` : name));
}

function fieldsOfClient(type: ClientMessageType): string[] {
  const shape = Object.entries(clientMessages[type].shape);
  return named(
    Object.fromEntries(
      shape.map(([name, schema]) => [name, schema.safeParse(undefined).success ? 'optional' : 'always']),
    ),
  );
}
