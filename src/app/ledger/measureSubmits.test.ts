import { expect, it } from 'vitest';
import { createVirtualTime } from '../../../tests/simulation/virtualTime.ts';
import { createStore } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import type { Intent } from '../../ledger/wallet/intents.ts';
import { measureSubmits } from './measureSubmits.ts';

const intent = (id: string, phase: 'pending' | 'final' | 'refused') =>
  ({ id, outcome: { phase } }) as unknown as Intent;

it('measures each act once, from its signature to its end', async () => {
  const time = createVirtualTime();
  const measured: [number, unknown][] = [];
  const intents = createStore<readonly Intent[]>([intent('old', 'pending')]);
  const stop = measureSubmits(
    {
      ...time,
      telemetry: {
        ...silentTelemetry,
        observe: (_name, seconds, labels) => void measured.push([seconds, labels?.['outcome']]),
      },
    },
    intents,
  );
  intents.set([intent('old', 'pending'), intent('a', 'pending'), intent('b', 'pending')]);
  await time.runUntil(() => false, 2_000);
  intents.set([intent('old', 'final'), intent('a', 'final'), intent('b', 'pending')]);
  intents.set([intent('old', 'final'), intent('a', 'final'), intent('b', 'refused')]);
  expect(measured).toEqual([
    [2, 'ok'],
    [2, 'aborted'],
  ]);
  intents.set([intent('c', 'pending')]);
  await time.runUntil(() => false, 90_000);
  intents.set([intent('c', 'final')]);
  expect(measured.slice(2).map(([, outcome]) => outcome)).toEqual(['late']);
  stop();
});
