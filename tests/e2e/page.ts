/** What a person sees and does on the page, in the page's own words. */
import type { Locator, Page } from 'playwright';

/** The value beside a term, as in "Cores 2". */
export const fact = (within: Page | Locator, term: string): Locator =>
  within.locator(`dt:text-is("${term}") + dd`);

/** One of the checks of the health screen. */
export const healthCheck = (page: Page, title: string): Locator =>
  page
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { level: 3, name: new RegExp(`^${title}`) }) });

/** Who took part in the job on the screen. */
export const jobWorkers = (page: Page): Locator =>
  page.getByRole('region', { name: 'Who did what' }).locator('tbody').getByRole('row');

/** As the system's file manager does it. */
export const dropFile = async (page: Page, name: string, buffer: Buffer): Promise<void> => {
  const transfer = await page.evaluateHandle(
    ({ fileName, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], fileName, { type: 'image/png' }));
      return data;
    },
    { fileName: name, bytes: [...buffer] },
  );
  for (const type of ['dragenter', 'dragover', 'drop'])
    await page.dispatchEvent('body', type, { dataTransfer: transfer });
};

/** Large plain print, one paragraph a line: nothing in it is hard to read. */
export const printedLines = (lines: readonly string[]): string =>
  lines.map((line) => `<p style="font:28px serif;margin:12px">${line}</p>`).join('');
