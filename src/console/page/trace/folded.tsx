import './folded.css';
import { useState } from 'preact/hooks';
import { count } from '../parts/format.ts';

interface FoldedProps {
  readonly text: string;
  readonly isCode?: boolean;
  /** Longer ones show their beginning until one asks for the rest. */
  readonly charsMax?: number;
  readonly linesMax?: number;
}

/** A text from traffic, as text, whatever is in it. */
export function Folded({ text, isCode = false, charsMax = 900, linesMax = 14 }: FoldedProps) {
  const [isOpen, setIsOpen] = useState(false);
  const start = beginning(text, charsMax, linesMax);
  const isShort = start.length === text.length;
  return (
    <>
      <div class={isCode ? 'tr-text mono' : 'tr-text'} dir="auto">
        {isOpen || isShort ? text : `${start}…`}
      </div>
      {!isShort && (
        <button type="button" class="tr-more" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? 'Show less' : `Show all ${count(text.length)} characters`}
        </button>
      )}
    </>
  );
}

function beginning(text: string, charsMax: number, linesMax: number): string {
  const lines = text.split('\n', linesMax + 1);
  const some = lines.length > linesMax ? lines.slice(0, linesMax).join('\n') : text;
  // A little more is no reason to hide it; nothing ends in half of a character.
  if (some.length <= charsMax * 1.2) return some;
  return some.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, '');
}
