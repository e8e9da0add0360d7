import type { LogLevel } from '../../core/ports/telemetry.ts';

export type FloodOptions = {
  readonly windowMs: number;
  /** Of one message in one window. */
  readonly sameMessage: number;
  /** Of one component in one window, whatever it says. */
  readonly perComponent: number;
  /** Different messages that are watched. */
  readonly maxMessages: number;
};
export const floodDefaults: FloodOptions = {
  windowMs: 10_000,
  sameMessage: 5,
  perComponent: 200,
  maxMessages: 256,
};

export type Repeated = {
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly times: number;
};

export interface FloodGate {
  /** `pass`; `repeat`: said often enough; `flood`: this component talks too much. */
  admit(level: LogLevel, component: string, message: string, now: number): 'pass' | 'repeat' | 'flood';
  /** What was held back in windows that are over, once each. */
  settle(now: number): readonly Repeated[];
}

type Window = { since: number; count: number };

/** Lets a log say what happens, not how often a loop turns. */
export const createFloodGate = (options: FloodOptions = floodDefaults): FloodGate => {
  const messages = new Map<string, Window & Omit<Repeated, 'times'>>();
  const components = new Map<string, Window>();
  let nextLook = Number.NEGATIVE_INFINITY;

  const fresh = (window: Window, now: number): Window => {
    if (now - window.since < options.windowMs) return window;
    window.since = now;
    window.count = 0;
    return window;
  };
  const admit: FloodGate['admit'] = (level, component, message, now) => {
    const key = `${level} ${component} ${message}`;
    const known = messages.get(key);
    if (!known && messages.size >= options.maxMessages) forgetOldest();
    const same = known ?? { since: now, count: 0, level, component, message };
    if (!known) messages.set(key, same);
    // A window with something to tell stays until it is told.
    if (same.count <= options.sameMessage) fresh(same, now);
    if (++same.count > options.sameMessage) return 'repeat';
    const all = components.get(component) ?? { since: now, count: 0 };
    components.set(component, all);
    return ++fresh(all, now).count > options.perComponent ? 'flood' : 'pass';
  };
  const forgetOldest = () => {
    const [oldest] = messages.keys();
    if (oldest !== undefined) messages.delete(oldest);
    if (components.size > options.maxMessages) components.clear();
  };

  return {
    admit,
    settle(now) {
      if (now < nextLook) return [];
      nextLook = now + options.windowMs / 10;
      const repeated: Repeated[] = [];
      for (const [key, { since, count, level, component, message }] of messages) {
        if (now - since < options.windowMs) continue;
        messages.delete(key);
        if (count > options.sameMessage)
          repeated.push({ level, component, message, times: count - options.sameMessage });
      }
      return repeated;
    },
  };
};
