import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import type * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type * as stat from '@grafana/grafana-foundation-sdk/stat';
import type * as stateTimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import type * as table from '@grafana/grafana-foundation-sdk/table';
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/*
 * What a JSON schema is made of. The SDK's dashboard leaves open what queries and the options of panels are, so each
 * kind has types of its own here: whole ones, because the SDK calls all of them by the same few names.
 */
export type DashboardJson = Dashboard;
export type Query = Omit<Dataquery, '_implementsDataqueryVariant'>;

export type HeatmapOptions = Pick<heatmap.Options, keyof heatmap.Options>;
export type HeatmapField = Pick<heatmap.FieldConfig, keyof heatmap.FieldConfig>;
export type StatOptions = Pick<stat.Options, keyof stat.Options>;
export type StateTimelineOptions = Pick<stateTimeline.Options, keyof stateTimeline.Options>;
export type StateTimelineField = Pick<stateTimeline.FieldConfig, keyof stateTimeline.FieldConfig>;
export type TableOptions = Pick<table.Options, keyof table.Options>;
export type TableField = Pick<table.FieldConfig, keyof table.FieldConfig>;
export type TimeseriesOptions = Pick<timeseries.Options, keyof timeseries.Options>;
export type TimeseriesField = Pick<timeseries.FieldConfig, keyof timeseries.FieldConfig>;
