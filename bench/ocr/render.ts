import { type Browser, chromium } from 'playwright';
import type { RgbImage } from '../../src/inference/ocr/index.ts';
import { decodeImage, encodeJpeg, encodePng } from './images.ts';
import type { PageSpec } from './pages.ts';
import { createDraw } from './seed.ts';

export type RenderedPage = {
  readonly file: Uint8Array;
  readonly extension: 'png' | 'jpg';
  readonly truth: string;
};

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-lcd-text',
      '--font-render-hinting=none',
    ],
  });

/** Draws a page, reads its truth from the layout the browser made, degrades and encodes it. */
export const renderPage = async (browser: Browser, spec: PageSpec): Promise<RenderedPage> => {
  const page = await browser.newPage({
    viewport: { width: spec.width, height: 200 },
    deviceScaleFactor: spec.pixelRatio ?? 1,
  });
  try {
    await page.setContent(
      `<!doctype html><meta charset="utf-8"><style>html{background:#fff} body{margin:0;box-sizing:border-box} ${spec.css}</style><body>${spec.body}`,
    );
    const truth = (await page.evaluate(readTruth)) as string;
    const shot = decodeImage(await page.screenshot({ fullPage: true }));
    return { ...encode(spec, degrade(spec, shot)), truth };
  } finally {
    await page.close();
  }
};

const degrade = (spec: PageSpec, image: RgbImage): RgbImage => {
  const draw = createDraw(spec.seed ^ 0x5eed);
  return (spec.degrade ?? []).reduce((now, change) => change(now, draw), image);
};

const encode = (spec: PageSpec, image: RgbImage): Pick<RenderedPage, 'file' | 'extension'> =>
  spec.jpegQuality === undefined
    ? { file: encodePng(image), extension: 'png' }
    : { file: encodeJpeg(image, spec.jpegQuality), extension: 'jpg' };

/** Runs in the page, as text: visual lines of `data-lines`, cells of `data-row` joined by a tab. */
const readTruth = `(() => {
  document.body.style.transform = 'none';
  const visualLines = (block) => {
    const lines = [];
    let bottom = -Infinity, top = -Infinity;
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (const match of node.data.matchAll(/\\S+/g)) {
        const range = document.createRange();
        range.setStart(node, match.index);
        range.setEnd(node, match.index + match[0].length);
        // A word broken at its hyphen has a rectangle per line.
        const pieces = splitWord(node, match.index, match[0]);
        pieces.forEach(({ text, rect }, i) => {
          const middle = (rect.top + rect.bottom) / 2;
          if (middle > bottom || middle < top) lines.push(text);
          else lines[lines.length - 1] += (i === 0 ? ' ' : '') + text;
          top = rect.top; bottom = rect.bottom;
        });
      }
    }
    return lines;
  };
  const splitWord = (node, at, word) => {
    const pieces = [];
    for (let i = 0; i < word.length; i++) {
      const range = document.createRange();
      range.setStart(node, at + i); range.setEnd(node, at + i + 1);
      const rect = range.getBoundingClientRect();
      const last = pieces[pieces.length - 1];
      if (last && Math.abs(last.rect.top - rect.top) < rect.height / 2) last.text += word[i];
      else pieces.push({ text: word[i], rect });
    }
    return pieces;
  };
  const blocks = [];
  for (const element of document.querySelectorAll('[data-lines],[data-row]')) {
    if (element.hasAttribute('data-row')) blocks.push([...element.children].map((c) => c.textContent.trim()).join('\\t'));
    else blocks.push(...visualLines(element));
  }
  return blocks.join('\\n') + '\\n';
})()`;
