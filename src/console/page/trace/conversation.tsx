import './conversation.css';
import { useState } from 'preact/hooks';
import { counted } from '../parts/format.ts';
import type { ContentMessage, ContentPart, Conversation, Tool } from './content.ts';
import { Folded } from './folded.tsx';

/** Of a long conversation the newest is asked for. */
const messagesShown = 8;

/** What was asked and answered, as a conversation. */
export function ConversationView({ conversation }: { readonly conversation: Conversation }) {
  const { instructions, tools, messages, isTruncated } = conversation;
  const [isAll, setIsAll] = useState(false);
  const hidden = isAll ? 0 : Math.max(0, messages.length - messagesShown);
  return (
    <div class="tr-conversation">
      {instructions.length > 0 && (
        <Said who="instructions" isAnswer={false} parts={instructions} finishReason={undefined} />
      )}
      {tools.length > 0 && <Tools tools={tools} />}
      {hidden > 0 && (
        <button type="button" class="tr-more" onClick={() => setIsAll(true)}>
          {`Show ${counted(hidden, 'earlier message')}`}
        </button>
      )}
      {messages.slice(hidden).map(({ role, ...message }, i) => (
        <Said key={i + hidden} who={role} {...message} />
      ))}
      {isTruncated && <p class="muted">Some of it was left out when it was captured, for want of room.</p>}
    </div>
  );
}

type SaidProps = Omit<ContentMessage, 'role'> & { readonly who: string };

function Said({ who, isAnswer, parts, finishReason }: SaidProps) {
  return (
    <section class={isAnswer ? 'tr-said tr-answer' : 'tr-said'}>
      <header>
        <strong dir="auto">{who}</strong>
        {finishReason && <span class="muted"> finish: {finishReason}</span>}
      </header>
      {parts.length === 0 && <span class="muted">nothing</span>}
      {parts.map((part, i) => (
        <Part key={i} part={part} />
      ))}
    </section>
  );
}

const words: Readonly<Record<ContentPart['kind'], string>> = {
  text: '',
  reasoning: 'reasoning',
  refusal: 'refusal',
  tool_call: 'calls',
  tool_response: 'tool result',
  other: 'attachment',
};

function Part({ part: { kind, title, text, isCode, callId } }: { readonly part: ContentPart }) {
  const name = kind === 'tool_call' || kind === 'other' ? title : undefined;
  return (
    <div class={`tr-part tr-part-${kind.replace('_', '-')}`}>
      {kind !== 'text' && (
        <div class="tr-part-head">
          <span class="muted">{words[kind]}</span>
          {name && <code dir="auto">{name}</code>}
          {callId && <code class="muted tr-call-id">{callId}</code>}
        </div>
      )}
      {text !== '' && <Folded text={text} isCode={isCode} />}
    </div>
  );
}

function Tools({ tools }: { readonly tools: readonly Tool[] }) {
  return (
    <details class="tr-tools">
      <summary>{counted(tools.length, 'tool')} offered</summary>
      {tools.map(({ name, description, parameters }) => (
        <div key={name} class="tr-part">
          <div class="tr-part-head">
            <code dir="auto">{name}</code>
          </div>
          {description && <Folded text={description} />}
          {parameters && <Folded text={parameters} isCode linesMax={6} />}
        </div>
      ))}
    </details>
  );
}
