import type { AttributeMap } from '../../../admin/api/traces.ts';
import { contentAttributes } from '../../../telemetry/names.ts';
import { shown } from './span-facts.ts';

export interface AttributeGroup {
  readonly title: string;
  readonly rows: readonly AttributeRow[];
}

export interface AttributeRow {
  readonly key: string;
  readonly value: string;
}

/** In their order; what begins with none of them comes last. */
const groups = [
  { title: 'Error', prefixes: ['error.', 'exception.'] },
  { title: 'GenAI', prefixes: ['gen_ai.'] },
  { title: 'Sightline', prefixes: ['sightline.'] },
  { title: 'HTTP', prefixes: ['http.', 'url.', 'network.', 'server.', 'client.', 'user_agent.'] },
] as const;

const others = 'Others';

/** What was asked and answered stands elsewhere. `search`: in key or value, whatever the case. */
export function attributeGroups(attributes: AttributeMap, search = ''): AttributeGroup[] {
  const wanted = search.trim().toLowerCase();
  const rows: (AttributeRow & { readonly title: string })[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || (contentAttributes as readonly string[]).includes(key)) continue;
    const text = shown(value);
    if (wanted && !key.toLowerCase().includes(wanted) && !text.toLowerCase().includes(wanted)) continue;
    rows.push({ title: groupOf(key), key, value: text });
  }
  return [...groups.map(({ title }) => title), others]
    .map((title) => ({ title, rows: rows.filter((row) => row.title === title).sort(byKey) }))
    .filter((group) => group.rows.length > 0);
}

function groupOf(key: string): string {
  return groups.find(({ prefixes }) => prefixes.some((prefix) => key.startsWith(prefix)))?.title ?? others;
}

function byKey(a: AttributeRow, b: AttributeRow): number {
  return a.key < b.key ? -1 : 1;
}
