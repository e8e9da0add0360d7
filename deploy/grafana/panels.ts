import {
  AxisColorMode,
  AxisPlacement,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  type Dashboard,
  DashboardCursorSync,
  FieldColorModeId,
  type FieldConfigSource,
  GraphDrawStyle,
  type GraphFieldConfig,
  LegendDisplayMode,
  type Panel,
  PercentChangeColorMode,
  SortOrder,
  StackingMode,
  type ThresholdsConfig,
  ThresholdsMode,
  TooltipDisplayMode,
  VariableHide,
  VariableRefresh,
  VisibilityMode,
  VizOrientation,
} from '@grafana/schema';

/** Of deploy/grafana/provisioning/datasources. */
const datasource = { type: 'prometheus', uid: 'aivillage-prometheus' };

export type Query = { readonly expr: string; readonly legend: string };
/** Grafana's ids of units: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
export type Unit =
  | 'short'
  | 's'
  | 'bytes'
  | 'percentunit'
  | 'reqps'
  | 'ops'
  | 'Bps'
  | 'bool_yes_no'
  | 'dateTimeAsIso';
export type Look = {
  readonly unit: Unit;
  readonly description?: string;
  /** From which value it is orange, and red. */
  readonly warn?: number;
  readonly bad?: number;
  readonly stack?: boolean;
};
/** A panel without its place. */
export type Content = { readonly title: string; readonly queries: readonly Query[]; readonly look: Look } & (
  | { readonly kind: 'chart' }
  | { readonly kind: 'number' }
);

export const chart = (title: string, look: Look, ...queries: readonly Query[]): Content => ({
  kind: 'chart',
  title,
  look,
  queries,
});
export const number = (title: string, look: Look, expr: string): Content => ({
  kind: 'number',
  title,
  look,
  queries: [{ expr, legend: '{{instance}}' }],
});
/** Everywhere the same choice of hosts. */
export const here = 'job=~"$job",instance=~"$instance"';

/** Rows of panels, each row as wide as the dashboard: numbers low, charts high. */
export const dashboard = (
  about: { readonly uid: string; readonly title: string; readonly description: string },
  rows: readonly (readonly Content[])[],
): Dashboard => ({
  ...about,
  tags: ['aivillage'],
  editable: true,
  graphTooltip: DashboardCursorSync.Crosshair,
  refresh: '30s',
  schemaVersion: 42,
  time: { from: 'now-6h', to: 'now' },
  timezone: 'browser',
  annotations: { list: [] },
  links: [],
  templating: { list: [choice('job', 'up', 'aivillage.*'), choice('instance', 'up{job=~"$job"}', '.*')] },
  panels: placed(rows),
});

const choice = (name: string, series: string, pattern: string) => ({
  name,
  type: 'query' as const,
  label: name,
  hide: VariableHide.dontHide,
  skipUrlSync: false,
  datasource,
  query: { query: `label_values(${series}, ${name})`, refId: name },
  definition: `label_values(${series}, ${name})`,
  regex: `/^${pattern}$/`,
  refresh: VariableRefresh.onTimeRangeChanged,
  multi: true,
  includeAll: true,
  allValue: pattern,
  current: { text: ['All'], value: ['$__all'] },
  options: [],
});

const width = 24;

const placed = (rows: readonly (readonly Content[])[]): Panel[] => {
  let id = 0;
  let y = 0;
  return rows.flatMap((row) => {
    const h = row.every(({ kind }) => kind === 'number') ? 4 : 8;
    const top = y;
    y += h;
    return row.map((content, column) => {
      const x = Math.floor((column * width) / row.length);
      const next = Math.floor(((column + 1) * width) / row.length);
      id++;
      return panelOf(content, id, { x, y: top, w: next - x, h });
    });
  });
};

const panelOf = (content: Content, id: number, gridPos: NonNullable<Panel['gridPos']>): Panel => {
  const { title, look, queries, kind } = content;
  const isNumber = kind === 'number';
  return {
    id,
    title,
    gridPos,
    datasource,
    type: isNumber ? 'stat' : 'timeseries',
    transparent: false,
    ...(look.description === undefined ? {} : { description: look.description }),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(isNumber ? { instant: true, range: false } : { instant: false, range: true }),
    })),
    options: isNumber ? numberOptions : chartOptions,
    fieldConfig: fieldsOf(look, isNumber),
  };
};

const numberOptions: Record<string, unknown> = {
  colorMode: BigValueColorMode.Value,
  graphMode: BigValueGraphMode.Area,
  justifyMode: BigValueJustifyMode.Auto,
  orientation: VizOrientation.Auto,
  percentChangeColorMode: PercentChangeColorMode.Standard,
  showPercentChange: false,
  textMode: BigValueTextMode.Auto,
  wideLayout: true,
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
};
const chartOptions: Record<string, unknown> = {
  legend: { calcs: [], displayMode: LegendDisplayMode.List, placement: 'bottom', showLegend: true },
  tooltip: { mode: TooltipDisplayMode.Multi, sort: SortOrder.Descending },
};

const fieldsOf = (look: Look, isNumber: boolean): FieldConfigSource => {
  const { unit, warn, bad, stack = false } = look;
  const lines: GraphFieldConfig = {
    drawStyle: GraphDrawStyle.Line,
    lineWidth: 1,
    fillOpacity: stack ? 20 : 0,
    showPoints: VisibilityMode.Never,
    spanNulls: false,
    axisPlacement: AxisPlacement.Auto,
    axisColorMode: AxisColorMode.Text,
    ...(stack ? { stacking: { group: 'A', mode: StackingMode.Normal } } : {}),
  };
  return {
    defaults: {
      unit,
      ...(unit === 'percentunit' ? { min: 0 } : {}),
      color: { mode: isNumber ? FieldColorModeId.Thresholds : FieldColorModeId.PaletteClassic },
      thresholds: thresholdsOf(warn, bad),
      ...(isNumber ? {} : { custom: { ...lines } }),
    },
    overrides: [],
  };
};

/** −∞ is null in JSON, which is what Grafana writes for it. */
const thresholdsOf = (warn: number | undefined, bad: number | undefined): ThresholdsConfig => ({
  mode: ThresholdsMode.Absolute,
  steps: [
    { color: 'green', value: Number.NEGATIVE_INFINITY },
    ...(warn === undefined ? [] : [{ color: 'orange', value: warn }]),
    ...(bad === undefined ? [] : [{ color: 'red', value: bad }]),
  ],
});
