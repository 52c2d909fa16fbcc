import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';
import type { LooseDashboard, LoosePanel } from './loose.ts';

/** Kinds of panels, and the types of `sdk-types.ts` that their options and custom fields have. */
const kinds: Readonly<Record<string, { readonly options?: string; readonly field?: string }>> = {
  row: {},
  // Has no types in the SDK.
  alertlist: {},
  stat: { options: 'StatOptions' },
  timeseries: { options: 'TimeseriesOptions', field: 'TimeseriesField' },
  heatmap: { options: 'HeatmapOptions', field: 'HeatmapField' },
  'state-timeline': { options: 'StateTimelineOptions', field: 'StateTimelineField' },
  table: { options: 'TableOptions', field: 'TableField' },
};

/** JSON schemas that are made of the types of Grafana's SDK. Making them takes seconds: once a process. */
export class SdkSchema {
  static #made: SdkSchema | undefined;
  readonly #ajv: Ajv;

  static get(): SdkSchema {
    SdkSchema.#made ??= new SdkSchema();
    return SdkSchema.#made;
  }

  private constructor() {
    const schema = createGenerator({
      path: fileURLToPath(new URL('sdk-types.ts', import.meta.url)),
      tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
      type: '*',
      skipTypeCheck: true,
      additionalProperties: false,
    }).createSchema('*');
    // What a query has is another type for each data source; ours are looked at as `Query`.
    const { Dataquery } = schema.definitions ?? {};
    if (typeof Dataquery !== 'object') throw new Error('the SDK has no Dataquery any more');
    Dataquery.additionalProperties = true;
    this.#ajv = new Ajv({ allErrors: true, strict: false }).addSchema(
      JSON.parse(JSON.stringify(schema)),
      'sdk',
    );
  }

  /** What of the dashboard the SDK's types do not allow. */
  problems(dashboard: LooseDashboard): string[] {
    const { panels = [] } = dashboard;
    return [
      ...this.#check('DashboardJson', dashboard, 'dashboard'),
      ...panels.flatMap((panel) => this.#panel(panel)),
    ];
  }

  #panel(panel: LoosePanel): string[] {
    const { type, title, options, fieldConfig, targets = [] } = panel;
    const kind = kinds[type];
    if (!kind) return [`${title}: no panel of type '${type}' is expected`];
    const custom = fieldConfig?.defaults?.custom;
    return [
      ...(kind.options === undefined ? [] : this.#check(kind.options, options, `${title}: options`)),
      ...(kind.field === undefined ? [] : this.#check(kind.field, custom ?? {}, `${title}: field`)),
      ...targets.flatMap((target) => this.#check('Query', target, `${title}: query ${target.refId}`)),
    ];
  }

  #check(type: string, value: unknown, place: string): string[] {
    const validate = this.#validator(type);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [place, instancePath, message, JSON.stringify(params)].join(' '),
    );
  }

  #validator(type: string): ValidateFunction {
    const found = this.#ajv.getSchema(`sdk#/definitions/${type}`);
    if (!found) throw new Error(`no schema of ${type}`);
    return found;
  }
}
