/**
 * What plugins import from `sightline`. In a plugin it is the running service's own copy, so that
 * `instanceof` holds; it brings nothing that listens or exports.
 */
export type { Alert, AlertState } from './alerts/alert.ts';
export { SightlineError } from './errors.ts';
export { Chunk } from './exchange/chunk.ts';
export type { Usage } from './exchange/facts.ts';
export { createKey, type Key } from './exchange/keys.ts';
export type { Outcome } from './exchange/outcome.ts';
export { Query } from './exchange/query.ts';
export { Reply } from './exchange/reply.ts';
export type { ExchangeView } from './exchange/view.ts';
export type { HookPoint, HookPoints } from './hooks/points.ts';
export {
  defineMessageType,
  type MessageContext,
  type MessageProblem,
  type MessageType,
} from './messages/message-type.ts';
export type { Middleware } from './middleware/middleware.ts';
export { TextReplacer, type TextRule } from './middleware/text-replacer.ts';
export {
  definePlugin,
  type Plugin,
  type PluginContext,
  type PluginDefinition,
  type PluginLog,
} from './plugins/plugin.ts';
export type { JsonObject } from './wire/json.ts';
