import type { EarningsView, ListingView, WorkerView } from '../../../app/readModels.ts';
import { asSentence, formatCount, formatDuration, formatInteger } from '../../kit/format.ts';

/** What this device does of public work, in a sentence or two. */
export const workerInWords = (worker: WorkerView): string => {
  if (worker.phase === 'other-tab') return 'Another tab of this device does it.';
  const doing = asSentence(worker.doing);
  if (!worker.wanted)
    return worker.phase === 'off'
      ? 'This device does no public work.'
      : `Stopping. ${doing} What was promised is still shown; nothing new is begun.`;
  const pages = [
    worker.asked > 0 ? `${formatCount(worker.asked, 'page')} asked for` : '',
    worker.held > 0 ? `${formatInteger(worker.held)} in hand` : '',
  ].filter((part) => part !== '');
  const speed = worker.pageMs === undefined ? '' : ` A page takes ${formatDuration(worker.pageMs)} here.`;
  return `${doing}${pages.length > 0 ? ` ${asSentence(pages.join(', '))}` : ''}${speed}`;
};

export const progressInWords = ({ accepted, units, voided, closed }: ListingView): string => {
  const done = `${formatInteger(accepted)} of ${formatCount(units, 'page')} read and accepted`;
  const lost = voided > 0 ? `, ${formatInteger(voided)} given up without an answer` : '';
  return `${done}${lost}.${closed ? ' Closed: what is in hand is finished, and no more is given out.' : ''}`;
};

/** Why nothing is paid out yet, or when the next is. */
export const vestingInWords = ({ next, accepted }: EarningsView): string => {
  if (next) return `after ${formatCount(next.units, 'more accepted page')}`;
  return accepted === 0 ? 'after the first accepted page' : 'nothing waits';
};

export const trustInWords = ({ streak, veteranStreak }: EarningsView): string =>
  streak >= veteranStreak
    ? 'trusted to work alone'
    : `works in pairs until ${formatInteger(veteranStreak)} are accepted in a row`;
