import { z } from 'zod';

/*
 * What the data sources that we provision take, of the version that comes with Grafana 13. None of them says
 * anything of a key that it does not know.
 */

const shift = z.string().regex(/^-?\d+(?:ms|s|m|h|d)$/, 'expected a shift: -15m');

const source = {
  name: z.string(),
  uid: z.string(),
  access: z.literal('proxy'),
  url: z.url(),
  isDefault: z.boolean().optional(),
  editable: z.boolean().optional(),
};

/** `PromOptions` of packages/grafana-prometheus/src/types.ts in grafana/grafana. */
const prometheus = z.strictObject({
  ...source,
  type: z.literal('prometheus'),
  jsonData: z.strictObject({
    httpMethod: z.enum(['POST', 'GET']),
    prometheusType: z.enum(['Prometheus', 'Mimir', 'Cortex', 'Thanos']),
    prometheusVersion: z.string().regex(/^\d+\.\d+\.\d+$/),
    timeInterval: z.string().regex(/^\d+s$/),
    queryTimeout: z.string().optional(),
    incrementalQuerying: z.boolean().optional(),
    manageAlerts: z.boolean(),
    alertmanagerUid: z.string(),
    exemplarTraceIdDestinations: z.array(
      z.strictObject({
        name: z.string(),
        datasourceUid: z.string().optional(),
        url: z.string().optional(),
        urlDisplayLabel: z.string().optional(),
      }),
    ),
  }),
});

/** src/configuration/ConfigEditor.tsx of grafana/grafana-jaeger-datasource, and the sections that it shares. */
const jaeger = z.strictObject({
  ...source,
  type: z.literal('jaeger'),
  jsonData: z.strictObject({
    nodeGraph: z.strictObject({ enabled: z.boolean() }).optional(),
    spanBar: z
      .strictObject({ type: z.enum(['None', 'Duration', 'Tag']), tag: z.string().optional() })
      .optional(),
    traceIdTimeParams: z.strictObject({ enabled: z.boolean() }).optional(),
    tracesToMetrics: z.strictObject({
      datasourceUid: z.string(),
      spanStartTimeShift: shift,
      spanEndTimeShift: shift,
      tags: z.array(z.strictObject({ key: z.string(), value: z.string() })),
      queries: z.array(z.strictObject({ name: z.string(), query: z.string() })),
    }),
  }),
});

/** `AlertManagerDataSourceJsonData` of public/app/plugins/datasource/alertmanager/types.ts in grafana/grafana. */
const alertmanager = z.strictObject({
  ...source,
  type: z.literal('alertmanager'),
  jsonData: z.strictObject({
    implementation: z.enum(['prometheus', 'mimir', 'cortex']),
    handleGrafanaManagedAlerts: z.boolean(),
  }),
});

/** The file of data sources. */
const file = z.strictObject({
  apiVersion: z.literal(1),
  prune: z.boolean(),
  datasources: z.array(z.discriminatedUnion('type', [prometheus, jaeger, alertmanager])),
});

/** Where something else stands than what they take. */
export function shapeProblems(sources: unknown): string[] {
  const { error } = file.safeParse(sources);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}
