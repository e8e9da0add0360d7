import type { Io } from './io.ts';

export type Progress = {
  /** `done` of `total`, and a word on what. */
  show(done: number, total: number, text?: string): void;
  /** Clears what was drawn. */
  end(): void;
};

/**
 * How far something is: a bar on a terminal, drawn over; elsewhere a line every few seconds, and none for what is over before the
 * first. Says nothing else, so it may be shown as often as anything happens.
 */
export const createProgress = (io: Io, label: string): Progress => {
  const started = io.now();
  let last = started;
  let drawn = 0;
  return {
    show(done, total, text = '') {
      const share = total > 0 ? Math.min(1, done / total) : 1;
      const now = io.now();
      if (now - last < (io.isTerminal ? 50 : 3_000)) return;
      last = now;
      const left = leftText(share, now - started);
      if (!io.isTerminal) {
        io.note(`${label}: ${Math.floor(share * 100)} %${left}${text && `, ${text}`}\n`);
        return;
      }
      const line = `${label} ${barOf(share)} ${String(Math.floor(share * 100)).padStart(3)} %${left} ${text}`;
      const fitting = line.slice(0, width);
      io.note(`\r${fitting.padEnd(drawn)}`);
      drawn = fitting.length;
    },
    end() {
      if (drawn > 0) io.note(`\r${' '.repeat(drawn)}\r`);
      drawn = 0;
    },
  };
};

/** Narrower than most windows: a line that wraps can't be drawn over. */
const width = 78;
const cells = 24;

const barOf = (share: number): string => {
  const full = Math.round(share * cells);
  return `[${'█'.repeat(full)}${'░'.repeat(cells - full)}]`;
};

const leftText = (share: number, spent: number): string => {
  if (share < 0.02 || spent < 2_000) return '';
  const seconds = Math.ceil((spent * (1 - share)) / share / 1_000);
  return seconds < 90 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
};
