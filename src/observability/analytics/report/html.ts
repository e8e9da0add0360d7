import type { Report, SeriesReport } from './measure.ts';
import { cellsOf, columns, headline } from './text.ts';

/** One file that needs nothing else: no script, no font, no picture from elsewhere; light, dark, and on paper. */
export const htmlReport = (report: Report): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>AIVillage: what was measured</title>
<style>${style}</style>
</head>
<body>
<h1>What was measured</h1>
<ul>
${headline(report)
  .map((line) => `<li>${escapeHtml(line)}</li>`)
  .join('\n')}
</ul>
<div class="scroll">
<table>
<thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}<th scope="col">shape</th></tr></thead>
<tbody>
${report.series.map(rowOf).join('\n')}
</tbody>
</table>
</div>
</body>
</html>
`;

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const style = `
:root{color-scheme:light dark;--ink:light-dark(#22201c,#e8e4dc);--paper:light-dark(#fffdf8,#1b1a18);--line:light-dark(#d8d2c6,#45423c);--mark:light-dark(#1f6f5c,#7fd1b9)}
body{margin:2rem auto;max-width:90rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:14rem}
svg{display:block}
path{fill:none;stroke:var(--mark);stroke-width:1.5}
@media print{body{margin:0;max-width:none;font-size:9px}.scroll{overflow:visible}tr{break-inside:avoid}}
`;

const rowOf = (series: SeriesReport): string =>
  `<tr>${cellsOf(series)
    .map((cell) => `<td>${escapeHtml(cell)}</td>`)
    .join('')}<td>${sparkline(series)}</td></tr>`;

const width = 120;
const height = 24;

const sparkline = ({ shape, key }: SeriesReport): string => {
  const measured = shape.filter((value) => value !== null);
  const low = Math.min(...measured);
  const span = Math.max(...measured) - low;
  let isPenDown = false;
  const path = shape.map((value, i) => {
    if (value === null) {
      isPenDown = false;
      return '';
    }
    const x = ((i + 0.5) * width) / shape.length;
    const y = span > 0 ? height - 2 - ((value - low) / span) * (height - 4) : height / 2;
    // A value between two gaps is a short stroke.
    const stroke = isPenDown
      ? `L${x.toFixed(1)} ${y.toFixed(1)}`
      : `M${(x - 0.5).toFixed(1)} ${y.toFixed(1)}h1`;
    isPenDown = true;
    return stroke;
  });
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`course of ${key}`)}"><path d="${path.join('')}"/></svg>`;
};
