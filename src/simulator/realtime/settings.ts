import { countOf, isObject, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { missing, unsupported } from './mistake.ts';

/** What decides when somebody has finished speaking; undefined: the client does. */
export interface TurnDetection {
  /** The end of speech asks for a response. */
  readonly responds: boolean;
  /** Speech cuts a response off. */
  readonly interrupts: boolean;
}

/** One `response.create`, with what the session says where it says nothing. */
export interface Order {
  readonly modality: 'text' | 'audio';
  readonly instructions: string;
  readonly tools: unknown;
  readonly toolChoice: unknown;
  readonly maxTokens: number | undefined;
  readonly metadata: unknown;
  /** In the place of the conversation. */
  readonly input: readonly unknown[] | undefined;
  /** It reads the conversation and adds nothing to it: such responses may run beside others. */
  readonly isOutOfBand: boolean;
}

const instructions =
  'Your knowledge cutoff is 2023-10. You are a helpful, witty, and friendly AI. Act like a human, but remember that you are not a human.';

const detection = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
  create_response: true,
  interrupt_response: true,
};

/** A session's configuration, in the shape of today or of the beta. */
export class Settings {
  readonly #isBeta: boolean;
  #session: JsonObject;

  /** `expiresAt`: seconds since 1970. */
  constructor(id: string, model: string, expiresAt: number, isBeta: boolean) {
    this.#isBeta = isBeta;
    this.#session = isBeta ? betaSession(id, model, expiresAt) : newSession(id, model, expiresAt);
  }

  /** As `session.created` and `session.updated` tell it. */
  get session(): JsonObject {
    return this.#session;
  }

  /** Throws a `Mistake`. */
  update(patch: unknown): void {
    if (!isObject(patch)) throw missing('session');
    if (!this.#isBeta && patch.type !== 'realtime') {
      throw patch.type === undefined
        ? missing('session.type')
        : unsupported('session.type', patch.type, ['realtime']);
    }
    const { id, object, model, expires_at } = this.#session;
    const audio = this.#isBeta ? {} : { audio: mergedAudio(this.#session.audio, patch.audio) };
    this.#session = { ...this.#session, ...patch, ...audio, id, object, model, expires_at };
  }

  get turnDetection(): TurnDetection | undefined {
    const set = this.#input('turn_detection');
    if (!isObject(set)) return undefined;
    return { responds: set.create_response !== false, interrupts: set.interrupt_response !== false };
  }

  /** What is said to the session is written down too. */
  get transcribes(): boolean {
    return isObject(this.#input('transcription'));
  }

  order(response: JsonObject): Order {
    const session = this.#session;
    const modalities = this.#modalitiesKey;
    const most = this.#isBeta ? session.max_response_output_tokens : session.max_output_tokens;
    const asked = response.max_output_tokens ?? response.max_response_output_tokens ?? most;
    return {
      modality: listOf(response[modalities] ?? session[modalities]).includes('audio') ? 'audio' : 'text',
      instructions: textOf(response.instructions) ?? textOf(session.instructions) ?? '',
      tools: response.tools ?? session.tools,
      toolChoice: response.tool_choice ?? session.tool_choice,
      maxTokens: countOf(asked, 1),
      metadata: response.metadata ?? null,
      input: Array.isArray(response.input) ? response.input : undefined,
      isOutOfBand: response.conversation === 'none',
    };
  }

  /** A response as it stands before the model has said anything. */
  response(id: string, conversation: string, order: Order): JsonObject & { readonly id: string } {
    const { modality, maxTokens = 'inf', metadata, isOutOfBand } = order;
    const { output } = objectOf(this.#session.audio);
    const { voice, output_audio_format, temperature } = this.#session;
    const modalities = this.#isBeta && modality === 'audio' ? ['text', 'audio'] : [modality];
    return {
      object: 'realtime.response',
      id,
      status: 'in_progress',
      status_details: null,
      output: [],
      conversation_id: isOutOfBand ? null : conversation,
      [this.#modalitiesKey]: modalities,
      max_output_tokens: maxTokens,
      ...(this.#isBeta ? { voice, output_audio_format, temperature } : { audio: { output } }),
      usage: null,
      metadata,
    };
  }

  get #modalitiesKey(): string {
    return this.#isBeta ? 'modalities' : 'output_modalities';
  }

  #input(name: 'turn_detection' | 'transcription'): unknown {
    if (!this.#isBeta) return objectOf(objectOf(this.#session.audio).input)[name];
    return this.#session[name === 'transcription' ? 'input_audio_transcription' : name];
  }
}

function mergedAudio(before: unknown, patch: unknown): object {
  const audio = objectOf(before);
  const { input, output } = objectOf(patch);
  return {
    input: { ...objectOf(audio.input), ...objectOf(input) },
    output: { ...objectOf(audio.output), ...objectOf(output) },
  };
}

function newSession(id: string, model: string, expiresAt: number): JsonObject {
  const format = { type: 'audio/pcm', rate: 24_000 };
  return {
    type: 'realtime',
    object: 'realtime.session',
    id,
    model,
    output_modalities: ['audio'],
    instructions,
    tools: [],
    tool_choice: 'auto',
    max_output_tokens: 'inf',
    tracing: null,
    truncation: 'auto',
    prompt: null,
    expires_at: expiresAt,
    audio: {
      input: {
        format,
        transcription: null,
        noise_reduction: null,
        turn_detection: { ...detection, idle_timeout_ms: null },
      },
      output: { format, voice: 'marin', speed: 1 },
    },
    include: null,
  };
}

function betaSession(id: string, model: string, expiresAt: number): JsonObject {
  return {
    id,
    object: 'realtime.session',
    model,
    expires_at: expiresAt,
    modalities: ['text', 'audio'],
    instructions,
    voice: 'alloy',
    input_audio_format: 'pcm16',
    output_audio_format: 'pcm16',
    input_audio_noise_reduction: null,
    input_audio_transcription: null,
    turn_detection: detection,
    tools: [],
    tool_choice: 'auto',
    temperature: 0.8,
    max_response_output_tokens: 'inf',
    speed: 1,
    tracing: null,
    client_secret: null,
    include: null,
  };
}
