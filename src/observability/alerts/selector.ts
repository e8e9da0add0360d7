import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { SignalReader } from '../analytics/types.ts';

/** Which series of a metric are meant, in the notation of Prometheus: `rpc_seconds{method="read",outcome!="ok"}`. */
export type Selector = {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly is: boolean; readonly value: string }[];
};

const maxLength = 512;
const metricName = /^[a-zA-Z_:][\w:]*/;
const matcher = /^\s*([a-zA-Z_]\w*)\s*(=|!=)\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/;

/** Reads a selector; a series' key is one that has only `=`. */
export const parseSelector = (text: string): Result<Selector, Fault<'selector'>> => {
  if (text.length > maxLength)
    return err(fault('selector', `a selector has ${text.length} characters, at most ${maxLength} are read`));
  const name = metricName.exec(text)?.[0];
  if (!name) return err(fault('selector', `"${text.slice(0, 40)}" does not begin with a metric's name`));
  const rest = text.slice(name.length);
  if (rest === '') return ok({ name, matchers: [] });
  if (!rest.startsWith('{') || !rest.endsWith('}'))
    return err(fault('selector', `after "${name}" labels in braces are expected, or nothing`));
  const matchers: Selector['matchers'][number][] = [];
  for (let left = rest.slice(1, -1); left.trim() !== ''; ) {
    const [whole, label, operator, value] = matcher.exec(left) ?? [];
    if (whole === undefined || label === undefined || value === undefined)
      return err(fault('selector', `"${left.slice(0, 40)}" is not label="value" or label!="value"`));
    matchers.push({ label, is: operator === '=', value: unquote(value) });
    left = left.slice(whole.length);
  }
  return ok({ name, matchers });
};

/**
 * Finds series by selector. Keys and selectors are few and come again at every evaluation, so what was parsed is kept, up to
 * a limit.
 */
export const createSeriesFinder = (maxParsed = 5_000) => {
  const parsedByText = new Map<string, Selector | undefined>();
  const parsed = (text: string): Selector | undefined => {
    if (parsedByText.has(text)) return parsedByText.get(text);
    const result = parseSelector(text);
    const selector = result.ok ? result.value : undefined;
    if (parsedByText.size >= maxParsed) parsedByText.clear();
    parsedByText.set(text, selector);
    return selector;
  };
  return {
    /** Keys of the series meant; none if the selector can't be read. */
    find(reader: Pick<SignalReader, 'keys'>, text: string): readonly string[] {
      const selector = parsed(text);
      if (!selector) return [];
      const keys = reader.keys(selector.name);
      if (selector.matchers.length === 0) return keys;
      return keys.filter((key) => {
        const series = parsed(key);
        return series !== undefined && matches(selector, series);
      });
    },
  };
};
export type SeriesFinder = ReturnType<typeof createSeriesFinder>;

/** A label that a series lacks is empty, as in Prometheus. */
const matches = (selector: Selector, series: Selector): boolean =>
  selector.matchers.every(
    ({ label, is, value }) =>
      ((series.matchers.find((each) => each.label === label)?.value ?? '') === value) === is,
  );

const unquote = (value: string): string =>
  value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
