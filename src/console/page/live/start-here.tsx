import './start-here.css';
import { CopyButton } from '../parts/copy-button.tsx';
import { address } from '../routes.ts';
import { info } from '../state/info.ts';

/** For whoever is here for the first time: how to get something to see. */
export function StartHere() {
  const { dataUrl = '', isSimulator = false } = info.value ?? {};
  const base = dataUrl.replace(/\/+$/, '');
  const curl = curlOf(base);
  return (
    <section class="live-start card" aria-labelledby="start-title">
      <h2 id="start-title">Nothing has come through yet</h2>
      <p class="muted">
        Sightline listens at <code>{base}</code>. Point a client there in place of its model's address, and
        each exchange shows up here the moment it begins.
        {isSimulator && ' A simulator answers, so nothing costs anything.'}
      </p>
      <h3>Ask once from here</h3>
      <p>
        <a class="button primary" href={address('try')}>
          Try it
        </a>
      </p>
      <h3>From a terminal</h3>
      <Snippet text={curl} label="Copy the command" />
      <h3>From a program</h3>
      <Snippet text={`export OPENAI_BASE_URL=${base}/v1`} label="Copy for OpenAI's SDKs" />
      <Snippet text={`export ANTHROPIC_BASE_URL=${base}`} label="Copy for Anthropic's SDKs" />
    </section>
  );
}

function Snippet({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class="live-snippet">
      <pre>{text}</pre>
      <CopyButton text={text} label={label} isSmall />
    </div>
  );
}

function curlOf(base: string): string {
  const body = { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'Hello!' }] };
  return `curl -N ${base}/v1/chat/completions \\\n  -H 'content-type: application/json' \\\n  -d '${JSON.stringify(body)}'`;
}
