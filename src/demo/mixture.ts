import { faultTable } from '../simulator/faults.ts';
import { pickOne, pickWeighted, type Random, randomOf, type Weighted, wholeBetween } from './chance.ts';
import { type FaultRow, type Incident, incidentAt } from './incidents.ts';
import { questionText } from './prompts.ts';
import {
  type Asker,
  agentStep,
  cachedPrompt,
  chat,
  embeddings,
  messages,
  reasoning,
  responses,
  toolCall,
} from './questions.ts';
import { agentOf, tenants } from './tenants.ts';
import type { Question, Visit } from './visit.ts';

interface Kind extends Weighted {
  readonly kind: string;
  /** What it asks over HTTP; the other two transports bring their own. */
  readonly ask: Asker | 'stream' | 'realtime';
}

/** What clients come for, of a hundred. */
export const kinds: readonly [Kind, ...Kind[]] = [
  { kind: 'chat stream', weight: 30, ask: chat(true) },
  { kind: 'chat', weight: 12, ask: chat(false) },
  { kind: 'messages stream', weight: 13, ask: messages(true) },
  { kind: 'messages', weight: 5, ask: messages(false) },
  { kind: 'responses stream', weight: 8, ask: responses(true) },
  { kind: 'responses', weight: 4, ask: responses(false) },
  { kind: 'embeddings', weight: 9, ask: embeddings },
  { kind: 'reasoning', weight: 5, ask: reasoning },
  { kind: 'cached prompt', weight: 6, ask: cachedPrompt },
  { kind: 'tool call', weight: 3, ask: toolCall },
  { kind: 'stream protocol', weight: 3, ask: 'stream' },
  { kind: 'realtime', weight: 2, ask: 'realtime' },
];

/** Of the questions over HTTP so many meet a fault of the simulator, where nothing else is the matter … */
export const faultShare = 0.003;
/** … and of the streams among the others so many are left in the middle. */
export const hangUpShare = 0.04;

/** Of all days: less than alerts are for. */
const usualFaults: readonly [FaultRow, ...FaultRow[]] = [
  { fault: 'sim-status', argument: 429, weight: 2 },
  { fault: 'sim-status', argument: 500, weight: 1 },
  { fault: 'sim-truncate', argument: 3, weight: 1 },
  { fault: 'sim-slow-start', argument: 3_000, weight: 2 },
];

export interface MixtureOptions {
  readonly seed: number;
  /** Of the upstream that speaks Anthropic's API; empty where the default one does, as the simulator. */
  readonly anthropicPrefix?: string;
}

/** The visits of a seed, one after the other, without end: the same seed, the same visits. */
export function* planVisits({ seed, anthropicPrefix = '' }: MixtureOptions): Generator<Visit, never> {
  const random = randomOf(`visits ${seed}`);
  for (let number = 0; ; number += 1) {
    const { kind, ask } = pickWeighted(random, kinds);
    const tenant = pickWeighted(random, tenants);
    const trouble = incidentAt(number);
    if (ask === 'realtime') yield { kind, tenant, over: 'realtime', ...planSession(random) };
    else if (ask === 'stream') yield { kind, tenant, over: 'stream', questions: planStream(random) };
    else if (trouble && !trouble.incident.faults && random() < trouble.incident.share)
      yield { kind: 'agent', tenant: agentOf, over: 'http', question: agentStep(random, trouble.progress) };
    else
      yield {
        kind,
        tenant,
        over: 'http',
        question: planQuestion(random, ask, anthropicPrefix, trouble?.incident),
      };
  }
}

function planQuestion(random: Random, ask: Asker, anthropicPrefix: string, incident?: Incident): Question {
  const share = incident?.faults ? incident.share : faultShare;
  const faultModel =
    random() < share ? faultName(pickWeighted(random, incident?.faults ?? usualFaults)) : undefined;
  const question = ask(random, { anthropicPrefix, faultModel });
  const leaves = faultModel === undefined && question.body.stream === true && random() < hangUpShare;
  return leaves ? { ...question, leavesAfter: wholeBetween(random, 1, 12) } : question;
}

function planStream(random: Random): Question[] {
  const asks = [chat(true), chat(true), chat(false), responses(true)] as const;
  return Array.from({ length: wholeBetween(random, 2, 5) }, () =>
    planQuestion(random, pickOne(random, asks), ''),
  );
}

function planSession(random: Random): { model: string; turns: string[]; leaves: boolean } {
  return {
    model: 'gpt-realtime',
    turns: Array.from({ length: wholeBetween(random, 2, 4) }, () => questionText(random)),
    leaves: random() < hangUpShare,
  };
}

function faultName({ fault, argument }: FaultRow): string {
  return faultTable[fault].argument === undefined ? fault : `${fault}-${argument}`;
}
