import { utf8 } from '../../../core/bytes.ts';
import type { ReportFormat, SavedFile } from '../types.ts';
import { htmlReport } from './html.ts';
import type { Report } from './measure.ts';
import { detailedText, markdownText, summaryText } from './text.ts';

type Form = { readonly end: string; readonly type: string; readonly text: (report: Report) => string };

/** JSON is the report as `measure.ts` describes it. */
const forms: Readonly<Record<ReportFormat, Form>> = {
  json: {
    end: 'json',
    type: 'application/json',
    text: (report) => `${JSON.stringify(report, undefined, 1)}\n`,
  },
  summary: { end: 'txt', type: 'text/plain;charset=utf-8', text: summaryText },
  detailed: { end: 'txt', type: 'text/plain;charset=utf-8', text: detailedText },
  markdown: { end: 'md', type: 'text/markdown;charset=utf-8', text: markdownText },
  html: { end: 'html', type: 'text/html;charset=utf-8', text: htmlReport },
};

export const renderReport = (format: ReportFormat, report: Report): SavedFile => {
  const { end, type, text } = forms[format];
  const day = new Date(report.generatedAt).toISOString().slice(0, 10);
  return { name: `aivillage-report-${day}.${end}`, type, bytes: utf8(text(report)) };
};
