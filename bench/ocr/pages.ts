import { addNoise, blur, type Degrade, lowContrast, perspective, unevenLight } from './degrade.ts';
import { createDraw, type Draw, pick, wholeNumber } from './seed.ts';
import { code, goods, planets, poems, titles } from './texts.ts';

/**
 * One page to render. In the HTML, `data-lines` marks running text (its visual lines are the truth), `data-row` a row
 * whose children are cells; both in reading order.
 */
export type PageSpec = {
  readonly name: string;
  readonly set: 'clean' | 'degraded' | 'outside';
  readonly width: number;
  readonly css: string;
  readonly body: string;
  readonly pixelRatio?: number;
  readonly degrade?: readonly Degrade[];
  /** Stored as JPEG of this quality; PNG otherwise. */
  readonly jpegQuality?: number;
  readonly seed: number;
};

export type PageTexts = { readonly prose: readonly string[]; readonly outside: readonly string[] };

const serif = ['Liberation Serif', 'DejaVu Serif', 'P052', 'C059', 'URW Bookman', 'Nimbus Roman'] as const;
const sans = ['Liberation Sans', 'DejaVu Sans', 'Nimbus Sans', 'URW Gothic'] as const;
const mono = ['Liberation Mono', 'DejaVu Sans Mono', 'Noto Mono', 'Noto Sans Mono'] as const;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const lines = (text: string, tag = 'p'): string => `<${tag} data-lines>${escapeHtml(text)}</${tag}>`;
const row = (cells: readonly string[], className = ''): string =>
  `<div class="row ${className}" data-row>${cells.map((cell) => `<span>${escapeHtml(cell)}</span>`).join('')}</div>`;
const table = (rows: readonly (readonly string[])[], tag = 'td'): string =>
  `<table>${rows
    .map(
      (cells) => `<tr data-row>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`,
    )
    .join('')}</table>`;

type Pen = { readonly draw: Draw; prose(words: number): string; title(): string };

const createPen = (draw: Draw, texts: readonly string[]): Pen => ({
  draw,
  /** Whole sentences of one passage, about as many words as asked. */
  prose(words) {
    const passage = pick(draw, texts);
    const sentences = passage.match(/[^.?!]+[.?!]+["']?\s*/g) ?? [passage];
    let text = '';
    for (let i = wholeNumber(draw, 0, Math.max(0, sentences.length - 3)); i < sentences.length; i++) {
      text += sentences[i];
      if (text.split(' ').length >= words) break;
    }
    return text.trim();
  },
  title: () => pick(draw, titles),
});

const price = (draw: Draw): string =>
  `${wholeNumber(draw, 0, 19)}.${String(wholeNumber(draw, 5, 99)).padStart(2, '0')}`;

const article = (pen: Pen, paragraphs: number, words: number): string =>
  lines(pen.title(), 'h1') + Array.from({ length: paragraphs }, () => lines(pen.prose(words))).join('');

const bookPage = (pen: Pen, family: string, size: number, more = '') => ({
  css: `body{font:${size}px/1.5 "${family}";padding:${size * 3}px;${more}} h1{font-size:1.5em;margin:0 0 .8em} p{margin:0 0 1em}`,
  body: article(pen, 4, 60),
});

const columns = (pen: Pen, family: string, size: number, count: number, gap: number) => ({
  css: `body{font:${size}px/1.35 "${family}";padding:36px} h1{font-size:1.9em;margin:0 0 .6em}
    .columns{display:grid;grid-template-columns:repeat(${count},1fr);gap:${gap}px} p{margin:0 0 .7em;text-align:justify}`,
  body: `${lines(pen.title(), 'h1')}<div class="columns">${Array.from(
    { length: count },
    () => `<div>${lines(pen.prose(70))}${lines(pen.prose(60))}</div>`,
  ).join('')}</div>`,
});

const receipt = (pen: Pen, family: string, size: number) => {
  const count = wholeNumber(pen.draw, 8, 11);
  const bought = goods.slice(0, count).map((name) => [name, price(pen.draw)] as const);
  const total = bought.reduce((sum, [, value]) => sum + Number(value), 0).toFixed(2);
  return {
    css: `body{font:${size}px/1.4 "${family}";padding:28px 30px} .row{display:flex;justify-content:space-between}
      .center{text-align:center;margin:0} hr{border:0;border-top:1px dashed #555;margin:10px 0} .total{font-weight:bold;font-size:1.25em}`,
    body: [
      lines('HARBOUR GROCERY', 'h3').replace('<h3', '<h3 class="center"'),
      lines('14 Quay Street').replace('<p', '<p class="center"'),
      lines('Tel. 555 0142 88').replace('<p', '<p class="center"'),
      '<hr>',
      row([
        `Receipt ${wholeNumber(pen.draw, 10000, 99999)}`,
        `1${wholeNumber(pen.draw, 0, 9)}:${wholeNumber(pen.draw, 10, 59)}`,
      ]),
      '<hr>',
      ...bought.map((cells) => row(cells)),
      '<hr>',
      row(['TOTAL', total], 'total'),
      row(['Cash', '200.00']),
      row(['Change', (200 - Number(total)).toFixed(2)]),
      '<hr>',
      lines('Thank you for your visit!').replace('<p', '<p class="center"'),
    ].join(''),
  };
};

const mailScreen = (pen: Pen, dark: boolean) => ({
  css: `body{font:14px/1.4 "DejaVu Sans";background:${dark ? '#17191f' : '#fff'};color:${dark ? '#e6e6ea' : '#1d1d22'}}
    .bar{display:flex;gap:44px;padding:12px 20px;background:${dark ? '#262a35' : '#2f5fb3'};color:#fff}
    .main{display:grid;grid-template-columns:190px 1fr} .side{padding:18px 20px;background:${dark ? '#1d2029' : '#eef1f6'}}
    .side p{margin:0 0 17px} .mail{padding:18px 28px} h2{font-size:20px;margin:0 0 10px} .meta{color:${dark ? '#9aa0ad' : '#666d7a'};font-size:12px}
    .button{display:inline-block;background:#2a7d46;color:#fff;padding:7px 18px;border-radius:5px;margin:0}`,
  body: `<div class="bar" data-row><span>File</span><span>Edit</span><span>View</span><span>Message</span><span>Help</span></div>
    <div class="main"><div class="side">${[
      'Inbox (12)',
      'Starred',
      'Sent',
      'Drafts',
      'Archive',
      'Spam',
      'Trash',
    ]
      .map((name) => lines(name))
      .join('')}</div>
    <div class="mail">${lines(pen.title(), 'h2')}<p class="meta" data-lines>From: a.holmes@example.org on 4 March 1891</p>
    ${lines(pen.prose(50))}${lines(pen.prose(40))}${lines('Reply to all').replace('<p', '<p class="button"')}</div></div>`,
});

const settingsScreen = (pen: Pen) => ({
  css: `body{font:15px/1.4 "Liberation Sans";background:#121317;color:#ececf1;padding:30px} h1{font-size:24px;font-weight:600}
    .row{display:flex;justify-content:space-between;border-bottom:1px solid #2c2e36;padding:13px 4px} .row span:last-child{color:#8ab4ff}
    p{color:#9b9ca6}`,
  body:
    lines('Settings', 'h1') +
    [
      ['Language', 'English'],
      ['Theme', 'Dark'],
      ['Shared cores', '4 of 8'],
      ['Use graphics card', 'Yes'],
      ['Only when charging', 'No'],
      ['Storage used', '318 MB'],
      ['Last backup', '2024-11-03 17:45'],
      ['Version', '1.30.2'],
    ]
      .map((cells) => row(cells))
      .join('') +
    lines(pen.prose(30)),
});

const cards = (pen: Pen, family: string) => ({
  css: `body{font:17px/1.4 "${family}";padding:26px;background:#f4f1ea} .card{border-radius:10px;padding:16px 22px;margin:0 0 18px}
    h2{margin:0 0 8px;font-size:22px} p{margin:0}`,
  body: [
    ['#1f4e79', '#ffffff'],
    ['#ffd95a', '#3b2f00'],
    ['#7a1f3d', '#ffe9ef'],
    ['#d8efe2', '#0d5c34'],
    ['#5b5b66', '#f0f0f4'],
  ]
    .map(
      ([back, ink]) =>
        `<div class="card" style="background:${back};color:${ink}">${lines(pen.title(), 'h2')}${lines(pen.prose(25))}</div>`,
    )
    .join(''),
});

const letter = (pen: Pen, family: string, size: number) => ({
  css: `body{font:${size}px/1.45 "${family}";padding:60px 70px} .right{text-align:right} p{margin:0 0 1em} pre{font:inherit;margin:0 0 1.4em}`,
  body: [
    '<pre class="right" data-lines>Mrs. Margaret Saville\n27 Garden Lane\nLondon, W. 4</pre>',
    '<p class="right" data-lines>December 11th, 1817</p>',
    lines('Dear Sister,'),
    lines(pen.prose(70)),
    lines(pen.prose(60)),
    lines('Your affectionate brother,'),
    lines('R. Walton'),
  ].join(''),
});

const bordered = (pen: Pen, family: string, size: number, style: 'grid' | 'zebra' | 'bare') => {
  const css = {
    grid: 'td{border:1px solid #444;padding:7px 14px}',
    zebra:
      'td{padding:8px 20px} tr:nth-child(odd){background:#e4ecf7} tr:first-child{background:#24476b;color:#fff;font-weight:bold}',
    bare: 'td{padding:4px 22px 4px 0} td:not(:first-child){text-align:right}',
  }[style];
  const priced = [
    ['Item', 'Count', 'Price', 'Sum'],
    ...goods.slice(0, 10).map((name) => {
      const count = wholeNumber(pen.draw, 1, 24);
      const each = price(pen.draw);
      return [name, String(count), each, (count * Number(each)).toFixed(2)];
    }),
  ];
  return {
    css: `body{font:${size}px/1.4 "${family}";padding:34px} table{border-collapse:collapse;margin:0 0 1.5em} ${css}`,
    body: lines(pen.title(), 'h2') + table(style === 'grid' ? planets : priced) + lines(pen.prose(35)),
  };
};

const codeScreen = (family: string, size: number) => ({
  css: `body{font:${size}px/1.6 "${family}";padding:30px;background:#fbfbfd;color:#24292f} pre{font:inherit;margin:0}`,
  body: `<pre data-lines>${escapeHtml(code.join('\n'))}</pre>`,
});

const poem = (pen: Pen, family: string, size: number) => ({
  css: `body{font:italic ${size}px/1.6 "${family}";padding:50px;color:#3a2c1a;background:#f6eedb} pre{font:inherit;margin:0}`,
  body: `<pre data-lines>${escapeHtml(pick(pen.draw, poems))}</pre>`,
});

const turned = (degrees: number) => `transform:rotate(${degrees}deg);transform-origin:50% 50%;`;

/** The committed corpus, or, with other texts and another seed, a held-out one of the same kinds. */
export const pageSpecs = (texts: PageTexts, seed: number): readonly PageSpec[] => {
  const specs: PageSpec[] = [];
  const shift = seed % 6;
  const family = <T>(names: readonly T[], index: number): T => {
    const name = names[(index + shift) % names.length];
    if (name === undefined) throw new Error('no font');
    return name;
  };
  const add = (
    name: string,
    set: PageSpec['set'],
    width: number,
    make: (pen: Pen) => { css: string; body: string },
    more: Pick<PageSpec, 'pixelRatio' | 'degrade' | 'jpegQuality'> = {},
  ): void => {
    const own = seed * 1000 + specs.length;
    specs.push({ name, set, width, seed: own, ...make(createPen(createDraw(own), texts.prose)), ...more });
  };

  add('letter', 'clean', 820, (pen) => letter(pen, family(serif, 0), 18));
  add('novel', 'clean', 720, (pen) => bookPage(pen, family(serif, 1), 16));
  add('novel-justified', 'clean', 700, (pen) => bookPage(pen, family(serif, 2), 17, 'text-align:justify;'));
  add('small-sans', 'clean', 640, (pen) => bookPage(pen, family(sans, 0), 11));
  add('tiny-sans', 'clean', 560, (pen) => bookPage(pen, family(['DejaVu Sans', 'Liberation Sans'], 0), 9));
  add('tiny-serif', 'clean', 600, (pen) => bookPage(pen, family(serif, 0), 10));
  add('large', 'clean', 900, (pen) => bookPage(pen, family(serif, 4), 28));
  add('geometric', 'clean', 760, (pen) => bookPage(pen, 'URW Gothic', 20));
  add('condensed', 'clean', 700, (pen) =>
    bookPage(pen, family(['DejaVu Sans Condensed', 'Liberation Sans Narrow', 'Nimbus Sans Narrow'], 0), 14),
  );
  add('two-columns-serif', 'clean', 860, (pen) => columns(pen, family(serif, 3), 15, 2, 36));
  add('two-columns-tight', 'clean', 820, (pen) => columns(pen, family(sans, 2), 13, 2, 20));
  add('three-columns', 'clean', 1000, (pen) => columns(pen, family(serif, 5), 14, 3, 28));
  add('table-grid', 'clean', 760, (pen) => bordered(pen, family(sans, 1), 15, 'grid'));
  add('table-zebra', 'clean', 760, (pen) => bordered(pen, family(sans, 2), 16, 'zebra'));
  add('table-bare', 'clean', 640, (pen) => bordered(pen, family(serif, 1), 14, 'bare'));
  add('receipt-mono', 'clean', 420, (pen) => receipt(pen, family(mono, 0), 15));
  add('receipt-narrow', 'clean', 360, (pen) =>
    receipt(pen, family(['Liberation Sans Narrow', 'Nimbus Sans Narrow'], 0), 17),
  );
  add('dark-article', 'clean', 740, (pen) =>
    bookPage(pen, family(sans, 0), 17, 'background:#15171c;color:#d9dbe0;'),
  );
  add('dark-settings', 'clean', 560, settingsScreen);
  add('screen-mail', 'clean', 880, (pen) => mailScreen(pen, false));
  add('screen-mail-dark', 'clean', 880, (pen) => mailScreen(pen, true));
  add('screen-dense', 'clean', 620, (pen) => mailScreen(pen, false), { pixelRatio: 2 });
  add('code', 'clean', 640, () => codeScreen(family(mono, 1), 15));
  add('poem', 'clean', 620, (pen) => poem(pen, family(serif, 3), 20));
  add('cards', 'clean', 700, (pen) => cards(pen, family(sans, 1)));
  add('turned-right', 'clean', 760, (pen) => bookPage(pen, family(serif, 0), 17, turned(1.5)));
  add('turned-left', 'clean', 760, (pen) => bookPage(pen, family(sans, 0), 15, turned(-2)));

  const photo = 'background:#f7f4ec;';
  add('blur', 'degraded', 720, (pen) => bookPage(pen, family(serif, 1), 17), {
    degrade: [blur(1.3)],
    jpegQuality: 80,
  });
  add('noise', 'degraded', 720, (pen) => bookPage(pen, family(sans, 0), 17), {
    degrade: [addNoise(28)],
    jpegQuality: 60,
  });
  add('jpeg', 'degraded', 720, (pen) => bookPage(pen, family(serif, 0), 16), { jpegQuality: 12 });
  add('perspective', 'degraded', 800, (pen) => letter(pen, family(serif, 2), 19), {
    degrade: [perspective(0.12), blur(0.6)],
    jpegQuality: 75,
  });
  add('uneven-light', 'degraded', 760, (pen) => bookPage(pen, family(sans, 1), 17, photo), {
    degrade: [unevenLight(0.25), addNoise(6)],
    jpegQuality: 70,
  });
  add('faint', 'degraded', 720, (pen) => bookPage(pen, family(serif, 3), 18), {
    degrade: [lowContrast(70, 150), addNoise(5)],
    jpegQuality: 75,
  });
  add('photo-receipt', 'degraded', 440, (pen) => receipt(pen, family(mono, 2), 17), {
    degrade: [perspective(0.08), unevenLight(0.4), blur(0.7), addNoise(8)],
    jpegQuality: 65,
  });
  add('photo-columns', 'degraded', 900, (pen) => columns(pen, family(serif, 0), 17, 2, 40), {
    degrade: [perspective(0.06), unevenLight(0.45), blur(0.7), addNoise(8)],
    jpegQuality: 65,
  });

  texts.outside.forEach((text, index) => {
    const name = `outside-${index + 1}`;
    add(name, 'outside', 640, () => ({
      css: `body{font:${18 - index}px/1.5 "${family([...serif, ...sans], index * 2)}";padding:40px}`,
      body: lines(text),
    }));
  });
  return specs;
};
