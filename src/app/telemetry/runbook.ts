/**
 * The section of docs/runbook.md that a rule links to, as paragraphs of plain text: what to do must be at hand without a network,
 * and in the words of this build. Loaded when somebody asks.
 */
export const runbookSection = async (link: string): Promise<readonly string[] | undefined> => {
  const { default: text } = await import('../../../docs/runbook.md?raw');
  return sectionOf(text, link.split('#')[1] ?? '');
};

/** Markdown's paragraphs and list items, without its marks; links keep their words. */
export const sectionOf = (text: string, id: string): readonly string[] | undefined => {
  const sections = text.split(/^## /m).slice(1);
  const section = sections.find((one) => one.slice(0, one.indexOf('\n')).trim() === id);
  if (section === undefined) return undefined;
  return section
    .slice(section.indexOf('\n') + 1)
    .split(/\n\s*\n|\n(?=- )/)
    .map((paragraph) =>
      paragraph
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/\*\*|`/g, '')
        .replace(/\s*\n\s*/g, ' ')
        .trim(),
    )
    .filter((paragraph) => paragraph !== '');
};
