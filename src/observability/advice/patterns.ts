import type { LogEntry } from '../logs/types.ts';
import type { ErrorPattern } from './types.ts';

/** What a message's text is cut to, and how many words, templates and patterns there are at most. */
const maxText = 300;
const maxWords = 40;
const maxTemplates = 500;
const maxPerGroup = 20;
const maxPatterns = 20;
const maxComponent = 60;
/** Less often is an event, no pattern. */
const leastCount = 3;
/** Share of words that must be the same (Drain's similarity threshold, on words already freed of ids and numbers). */
const similar = 0.7;
const hour = 3_600_000;

type Template = {
  readonly component: string;
  words: readonly string[];
  count: number;
  firstAt: number;
  lastAt: number;
  example: string;
  lastHour: number;
  hourBefore: number;
};

/**
 * Warnings and errors that are one message with different numbers, ids and names, most frequent first. As Drain (He, Zhu,
 * Zheng, Lyu 2017), with a fixed depth of component and number of words: quoted texts, ids and numbers are masked, then a
 * message joins the first template of as many words of which it shares enough. Entries in any order; those of the future are
 * left out.
 */
export const errorPatterns = (entries: readonly LogEntry[], now: number): readonly ErrorPattern[] => {
  const groups = new Map<string, Template[]>();
  let templates = 0;
  for (const entry of entries) {
    if ((entry.level !== 'error' && entry.level !== 'warn') || !(entry.at <= now)) continue;
    const component = entry.component.slice(0, maxComponent);
    const words = wordsOf(entry.message);
    const key = `${words.length} ${component}`;
    const group = groups.get(key) ?? [];
    let template = group.find((known) => isSimilar(known.words, words));
    if (!template) {
      if (templates >= maxTemplates || group.length >= maxPerGroup) continue;
      template = startTemplate(component, words, entry);
      group.push(template);
      groups.set(key, group);
      templates++;
    }
    record(template, words, entry, now);
  }
  return [...groups.values()]
    .flat()
    .filter(({ count }) => count >= leastCount)
    .sort((a, b) => b.count - a.count || b.lastAt - a.lastAt)
    .slice(0, maxPatterns)
    .map(toPattern);
};

const startTemplate = (component: string, words: readonly string[], { at }: LogEntry): Template => ({
  component,
  words,
  count: 0,
  firstAt: at,
  lastAt: at,
  example: '',
  lastHour: 0,
  hourBefore: 0,
});

const record = (
  template: Template,
  words: readonly string[],
  { at, message }: LogEntry,
  now: number,
): void => {
  template.words = template.words.map((word, i) => (word === words[i] ? word : '<*>'));
  template.count++;
  template.firstAt = Math.min(template.firstAt, at);
  if (at >= template.lastAt) template.example = message.slice(0, maxText);
  template.lastAt = Math.max(template.lastAt, at);
  if (at > now - hour) template.lastHour++;
  else if (at > now - 2 * hour) template.hourBefore++;
};

const toPattern = (template: Template): ErrorPattern => {
  const { words, component, count, firstAt, lastAt, example, lastHour, hourBefore } = template;
  const change = hourBefore === 0 ? undefined : lastHour / hourBefore;
  return { pattern: words.join(' '), component, count, firstAt, lastAt, example, change };
};

/** A run without any digit may be a word: whether it differs is found out from other messages. */
const idOr = (run: string): string => (/\d/.test(run) ? '<id>' : run);

/** What differs between messages of one kind, in this order. Each goes over a text once. */
const masks: readonly (readonly [RegExp, (found: string) => string])[] = [
  [/"[^"]*"|“[^“”]*”/g, () => '<text>'],
  [/\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s,;)]+/gi, () => '<url>'],
  [/[\w-]{16,}/g, idOr],
  [/\b(?:0x)?[0-9a-f]{6,}\b/gi, idOr],
  [/\d+(?:[.,:]\d+)*/g, () => '<number>'],
];

const wordsOf = (message: string): string[] => {
  const masked = masks.reduce((text, [found, mask]) => text.replace(found, mask), message.slice(0, maxText));
  return masked.split(/\s+/).filter(Boolean).slice(0, maxWords);
};

/** Of words that are masks in both, nothing is known: they count as the same. */
const isSimilar = (template: readonly string[], words: readonly string[]): boolean => {
  const same = words.filter((word, i) => template[i] === word || template[i] === '<*>').length;
  return template.length === words.length && same >= similar * words.length;
};
