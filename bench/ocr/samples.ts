/** Draws public/samples: pages a first visitor can try at once. `npx tsx bench/ocr/samples.ts` */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageSpec } from './pages.ts';
import { openBrowser, renderPage } from './render.ts';
import { passages } from './texts.ts';

const passage = (index: number, sentences: number): string =>
  (passages[index] ?? '')
    .split(/(?<=[.?!]"?) /)
    .slice(0, sentences)
    .join(' ');

const letterCss = `body{font:19px/1.55 "C059";padding:74px 84px 64px;background:#fbf6ea;color:#2b2118}
  .head{display:flex;justify-content:space-between;border-bottom:1px solid #b9a37e;padding-bottom:14px;margin-bottom:34px}
  .name{font:italic 30px "P052";color:#7a3b1e} .from{text-align:right;font-size:15px;line-height:1.4;color:#6c5a43}
  p{margin:0 0 1.05em} .sign{font:italic 27px "P052";color:#7a3b1e;margin-top:1.2em}`;
const letter = `<div class="head"><div class="name">Robert Walton</div>
  <div class="from">Archangel<br>28th March 1817</div></div>
  <p>To Mrs. Saville, England</p><p>Dear Margaret,</p><p>${passage(7, 3)}</p><p>${passage(7, 9).slice(passage(7, 3).length + 1)}</p>
  <p>Your affectionate brother,</p><div class="sign">R. Walton</div>`;

const receiptCss = `body{font:17px/1.5 "DejaVu Sans Mono";padding:40px 34px;background:#fffefb;color:#222}
  h1{font:bold 25px "URW Gothic";text-align:center;margin:0;letter-spacing:2px} .mid{text-align:center;margin:2px 0}
  .row{display:flex;justify-content:space-between} hr{border:0;border-top:2px dashed #999;margin:15px 0}
  .total{font-size:23px;font-weight:bold}`;
const bought = [
  ['2 x Espresso', '5.20'],
  ['Lemon cake', '4.10'],
  ['Apple juice', '3.40'],
  ['Cheese sandwich', '7.90'],
  ['Soup of the day', '8.50'],
  ['Rye bread', '3.60'],
] as const;
const total = bought.reduce((sum, [, price]) => sum + Number(price), 0);
const row = (left: string, right: string, more = ''): string =>
  `<div class="row ${more}"><span>${left}</span><span>${right}</span></div>`;
const receipt = `<h1>CAFE MERIDIAN</h1><p class="mid">12 Station Road</p><p class="mid">Tel. 555 0199</p><hr>
  ${row('Table 7', '14:32')}${row('Date', '2024-05-18')}<hr>${bought.map(([name, price]) => row(name, price)).join('')}<hr>
  ${row('TOTAL', total.toFixed(2), 'total')}${row('Cash', '40.00')}${row('Change', (40 - total).toFixed(2))}<hr>
  <p class="mid">Thank you, come again!</p>`;

const articleCss = `body{font:15px/1.45 "P052";padding:36px 40px;background:#fff;color:#1c1c1c}
  .kicker{font:bold 13px "Nimbus Sans";letter-spacing:3px;color:#a3262a;margin:0}
  h1{font:bold 34px/1.1 "URW Bookman";margin:10px 0 12px} .lead{font-style:italic;font-size:19px;color:#555;margin:0 0 26px}
  .columns{display:grid;grid-template-columns:1fr 1fr;gap:40px;border-top:2px solid #1c1c1c;padding-top:22px} p{margin:0 0 .8em}`;
const article = `<p class="kicker">NATURAL HISTORY</p><h1>A Voyage to South America</h1>
  <p class="lead">How five patient years turned a few short notes into a theory.</p>
  <div class="columns"><div><p>${passage(8, 3)}</p><p>${passage(8, 4).slice(passage(8, 3).length + 1)}</p></div>
  <div><p>${passage(9, 2)}</p><p>${passage(9, 4).slice(passage(9, 2).length + 1)}</p></div></div>`;

const screenCss = `body{font:15px/1.45 "DejaVu Sans";background:#10131a;color:#e8eaf0}
  .bar{display:flex;align-items:center;gap:34px;padding:15px 26px;background:#1a1f2b;color:#aab3c5} .bar b{color:#fff;font-size:18px}
  .main{display:grid;grid-template-columns:210px 1fr} .side{background:#151924;padding:26px;color:#aab3c5} .side p{margin:0 0 21px} .side .on{color:#7fd1ae}
  .content{padding:28px 36px} h2{margin:0 0 6px;font-size:25px} .meta{color:#8d97aa;font-size:13px;margin:0 0 22px}
  .card{background:#1a1f2b;border-radius:10px;padding:16px 22px;margin-bottom:16px} .card p{margin:0} .card b{color:#7fd1ae}
  .button{display:inline-block;background:#7fd1ae;color:#0b1712;border-radius:7px;padding:9px 24px;font-weight:bold}`;
const screen = `<div class="bar"><b>Night Reader</b><span>Library</span><span>Search</span><span>Notes</span><span>Account</span></div>
  <div class="main"><div class="side"><p class="on">Now reading</p><p>Finished (14)</p><p>Wish list</p><p>Collections</p><p>Statistics</p></div>
  <div class="content"><h2>The Time Machine</h2><p class="meta">H. G. Wells, 1895, chapter 1 of 16</p>
  <div class="card"><p>${passage(11, 2)}</p></div><div class="card"><p>${passage(11, 3).slice(passage(11, 2).length + 1)}</p></div>
  <div class="card"><p><b>Next: </b>The Machine</p></div><div class="button">Continue reading</div></div></div>`;

const samples: readonly { name: string; title: string; width: number; css: string; body: string }[] = [
  { name: 'letter', title: 'A letter from the north', width: 760, css: letterCss, body: letter },
  { name: 'receipt', title: 'A receipt', width: 440, css: receiptCss, body: receipt },
  { name: 'article', title: 'An article in two columns', width: 800, css: articleCss, body: article },
  { name: 'screenshot', title: 'A screenshot in dark colours', width: 920, css: screenCss, body: screen },
];

const folder = fileURLToPath(new URL('../../public/samples', import.meta.url));
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
for (const { name, width, css, body } of samples) {
  const spec: PageSpec = { name, set: 'clean', width, css, body, seed: 1 };
  const { file, extension } = await renderPage(browser, spec);
  writeFileSync(join(folder, `${name}.${extension}`), file);
  console.log(`${name}.${extension}  ${Math.round(file.byteLength / 1024)} KiB`);
}
await browser.close();
const index = samples.map(({ name, title }) => ({ file: `${name}.png`, title }));
writeFileSync(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
