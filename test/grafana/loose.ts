/** Of dashboards, what checks look at; anything may be missing, as in a file that somebody wrote. */
export interface LooseDashboard {
  uid?: string;
  title?: string;
  tags?: string[];
  editable?: boolean;
  refresh?: string;
  time?: { from: string; to: string };
  schemaVersion?: number;
  panels?: LoosePanel[];
  templating?: { list?: LooseVariable[] };
  annotations?: { list?: LooseAnnotation[] };
  links?: LooseLink[];
}

export interface LoosePanel {
  type: string;
  id?: number;
  title?: string;
  description?: string;
  datasource?: LooseSource;
  gridPos?: { x: number; y: number; w: number; h: number };
  targets?: LooseTarget[];
  options?: unknown;
  fieldConfig?: {
    defaults?: { unit?: string; custom?: unknown; links?: LooseLink[]; thresholds?: unknown };
    overrides?: { matcher?: { options?: unknown }; properties: { id: string; value?: unknown }[] }[];
  };
  panels?: LoosePanel[];
}

export interface LooseTarget {
  refId?: string;
  expr: string;
  legendFormat?: string;
  datasource?: LooseSource;
  instant?: boolean;
  exemplar?: boolean;
  format?: string;
  interval?: string;
}

export interface LooseVariable {
  type: string;
  name: string;
  label?: string;
  query?: unknown;
  definition?: string;
  datasource?: LooseSource;
  multi?: boolean;
  includeAll?: boolean;
  refresh?: number;
  skipUrlSync?: boolean;
}

export interface LooseAnnotation {
  name: string;
  datasource?: LooseSource;
  target?: LooseTarget;
}

export interface LooseLink {
  title?: string;
  type?: string;
  url?: string;
  tags?: string[];
  keepTime?: boolean;
  includeVars?: boolean;
  placement?: string;
}

interface LooseSource {
  type?: string;
  uid?: string;
}

/** With those of collapsed rows, without the rows. */
export function panelsOf({ panels = [] }: LooseDashboard): LoosePanel[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}
