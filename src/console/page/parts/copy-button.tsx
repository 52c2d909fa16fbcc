import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

export interface CopyButtonProps {
  readonly text: string | (() => string);
  /** What it does: `Copy as curl`. */
  readonly label: string;
  /** The sign alone; `label` is its name. */
  readonly isSmall?: boolean;
}

type Done = 'copied' | 'failed';

const shownMs = 1_600;

/** Puts a text on the clipboard, and says whether that worked. */
export function CopyButton({ text, label, isSmall = false }: CopyButtonProps) {
  const [done, setDone] = useState<Done>();
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(undefined), shownMs);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => setDone(await write(typeof text === 'string' ? text : text()));
  const said = done === 'copied' ? 'Copied' : done === 'failed' ? 'Cannot copy' : label;
  return (
    <>
      <button
        type="button"
        class={`button copy${isSmall ? ' icon-only' : ''}`}
        title={isSmall ? said : undefined}
        onClick={() => void copy()}
      >
        <Icon name={done === 'copied' ? 'check' : done === 'failed' ? 'cross' : 'copy'} />
        <span class={isSmall ? 'visually-hidden' : undefined}>{said}</span>
      </button>
      {/* Beside the button: what is in one is its name, and told to nobody when it changes. */}
      <span class="visually-hidden" role="status">
        {done && said}
      </span>
    </>
  );
}

/** The clipboard is there on loopback and https alone; elsewhere the old way remains. */
async function write(text: string): Promise<Done> {
  try {
    await navigator.clipboard.writeText(text);
    return 'copied';
  } catch {
    return writeBySelection(text) ? 'copied' : 'failed';
  }
}

function writeBySelection(text: string): boolean {
  const held = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  // A dialog makes everything outside of it inert.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    if (held instanceof HTMLElement) held.focus();
  }
}
