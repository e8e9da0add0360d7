import { expect, it } from 'vitest';
import { defaultRules } from '../../observability/index.ts';
import { runbookSection, sectionOf } from './runbook.ts';

it('has what to do for every rule, in words without marks', async () => {
  for (const { runbook } of defaultRules) {
    const paragraphs = await runbookSection(runbook);
    expect(paragraphs?.length, runbook).toBeGreaterThan(0);
    expect(paragraphs?.join(' ')).not.toMatch(/\]\(|\*\*|`/);
  }
});

it('knows nothing of a section that is not there', () => {
  expect(sectionOf('## a\nWhat to do.\n\n## b\nElse.', 'c')).toBeUndefined();
  expect(sectionOf('## a\nSee [b](#b),\nthen **stop**.\n\n- one\n- two\n\n## b\nElse.', 'a')).toEqual([
    'See b, then stop.',
    '- one',
    '- two',
  ]);
});
