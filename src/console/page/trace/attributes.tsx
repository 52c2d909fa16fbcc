import './attributes.css';
import { useState } from 'preact/hooks';
import type { AttributeMap } from '../../../admin/api/traces.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { attributeGroups } from './attribute-groups.ts';
import { Folded } from './folded.tsx';

/** Fewer are read sooner than searched. */
const searchedFrom = 10;

export function Attributes({ attributes }: { readonly attributes: AttributeMap }) {
  const [search, setSearch] = useState('');
  const groups = attributeGroups(attributes, search);
  const isMany = Object.keys(attributes).length >= searchedFrom;
  return (
    <section class="tr-section">
      <div class="tr-section-head">
        <h3>Attributes</h3>
        {isMany && (
          <input
            type="search"
            class="field"
            placeholder="Search"
            aria-label="Search attributes"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {groups.length === 0 && <p class="muted">{search ? 'None has that.' : 'None.'}</p>}
      {groups.map(({ title, rows }) => (
        <div key={title} class="tr-group">
          <h4>{title}</h4>
          <AttributeRows rows={rows} />
        </div>
      ))}
    </section>
  );
}

export function AttributeRows({
  rows,
}: {
  readonly rows: readonly { readonly key: string; readonly value: string }[];
}) {
  return (
    <dl class="tr-attributes">
      {rows.map(({ key, value }) => (
        <div key={key} class="tr-attribute">
          <dt class="mono">{key}</dt>
          <dd>
            <Folded text={value} isCode charsMax={280} linesMax={6} />
            <CopyButton text={value} label={`Copy ${key}`} isSmall />
          </dd>
        </div>
      ))}
    </dl>
  );
}
