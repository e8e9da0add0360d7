/**
 * `npm run model -- COMMAND …`: what is in a model file, and what can be done with it: building, quantising, cutting, merging,
 * training. Ctrl-C ends it and leaves no half-written file; a second one ends it at once.
 */
import { main } from './model/main.ts';

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

main(process.argv.slice(2), {
  out: (line) => console.log(line),
  note: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  signal: stopping.signal,
  now: () => performance.now(),
}).then(
  (code) => process.exit(code),
  (cause: unknown) => {
    console.error(cause);
    process.exit(1);
  },
);
