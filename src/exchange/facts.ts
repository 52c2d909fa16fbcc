/**
 * What a dialect reads from a query and from a reply. Plain facts: telemetry turns them into
 * attributes and measurements when the exchange ends. What the payload does not say is absent.
 */

/** What the query asks for. */
export interface QueryFacts {
  model?: string;
  /** Did the client ask for a stream of events? */
  stream: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  stopSequences?: string[];
  seed?: number;
  choiceCount?: number;
}

/**
 * Token counts, as the GenAI conventions define them: `input` includes cached tokens, `output` includes
 * reasoning tokens.
 */
export interface Usage {
  input?: number;
  output?: number;
  cacheRead?: number;
  cacheCreation?: number;
  reasoning?: number;
}

/** What the reply turned out to be; filled in while it passes. */
export interface ReplyFacts {
  id?: string;
  model?: string;
  finishReasons: string[];
  usage: Usage;
  /** The dialect's last event was seen, or the whole reply was read. */
  terminal: boolean;
  /** The upstream reported an error inside a reply whose status was a success: its type or code. */
  error?: string;
}

export function emptyReplyFacts(): ReplyFacts {
  return { finishReasons: [], usage: {}, terminal: false };
}
