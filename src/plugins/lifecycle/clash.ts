import { PluginProblem } from '../problem.ts';
import type { PluginInstance } from './instance.ts';

/** A message type that two plugins bring: one of them has to do without. */
export interface Clash {
  readonly type: string;
  readonly other: PluginInstance;
}

export function findClash(instance: PluginInstance, others: Iterable<PluginInstance>): Clash | undefined {
  for (const other of others) {
    if (other === instance) continue;
    const taken = instance.messageTypes.find(({ messageType }) => hasType(other, messageType.type));
    if (taken) return { type: taken.messageType.type, other };
  }
  return undefined;
}

export function hasType({ messageTypes }: PluginInstance, type: string): boolean {
  return messageTypes.some(({ messageType }) => messageType.type === type);
}

/** It may fit when the other one is gone, or does without: so it is no fault of its `initialize`. */
export function typeTaken(file: string, type: string, holder: string): PluginProblem {
  const message = `The message type '${type}' is taken by the plugin '${holder}'.`;
  return new PluginProblem('dependencies', message, { file });
}
