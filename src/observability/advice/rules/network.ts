import type { Labels, Sketch } from '../../metrics/types.ts';
import { meanOf, type Signals } from '../signals.ts';
import { countOf, number, percent, quoted, seconds } from '../words.ts';
import { confidenceOf, hour, inHour, inRecent, type Rule, recent } from './rule.ts';

const leastCalls = 50;
const notFailed = ['ok', 'cancelled', 'peer-lost'];

/** Questions of one kind that peers often don't answer. */
export const failingCallsRule: Rule = (signals) =>
  signals.valuesOf('rpc_seconds', 'method').flatMap((method) => {
    const ofMethod = (labels: Labels) => labels['method'] === method;
    const isFailed = (labels: Labels) => ofMethod(labels) && !notFailed.includes(labels['outcome'] ?? '');
    const asked = signals.increase('rpc_seconds', recent, ofMethod);
    const failed = signals.distribution('rpc_seconds', recent, isFailed);
    if (!failed || asked < leastCalls || failed.count < 10 || failed.count / asked < 0.1) return [];
    return [
      {
        id: `rpc-failing:${method}`,
        title: `Peers often don’t answer ${quoted(method)}`,
        action: 'See in the map which links are bad or carried, and open the traces of failed calls.',
        evidence: [
          `${number(failed.count)} of ${countOf(asked, 'call')} failed (${percent(failed.count / asked)}) ${inRecent}.`,
          `Most often: ${commonest(signals, isFailed)}.`,
        ],
        expectedGain: `Up to ${seconds(failed.sum)} of waiting for nothing in 6 hours.`,
        confidence: confidenceOf(asked, leastCalls),
      },
    ];
  });

const commonest = (signals: Signals, isFailed: (labels: Labels) => boolean): string =>
  signals
    .valuesOf('rpc_seconds', 'outcome')
    .map((outcome) => ({
      outcome,
      count: signals.increase(
        'rpc_seconds',
        recent,
        (labels) => isFailed(labels) && labels['outcome'] === outcome,
      ),
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, 3)
    .map(({ outcome, count }) => `${quoted(outcome)} ${countOf(count, 'time')}`)
    .join(', ');

type PeerSketch = { readonly peer: string; readonly sketch: Sketch; readonly p99: number };

/** Where measurements tell peers apart: one that is much slower than all others. */
export const slowPeerRule: Rule = (signals) =>
  (['rpc_seconds', 'mesh_rtt_seconds'] as const).flatMap((name) => {
    const peers = sketchesByPeer(signals, name);
    const slowest = peers.reduce<PeerSketch | undefined>(
      (found, peer) => (peer.sketch.count >= 30 && peer.p99 > (found?.p99 ?? 0) ? peer : found),
      undefined,
    );
    const others = merged(peers.filter((peer) => peer !== slowest));
    const usual = others?.quantile(0.99);
    if (peers.length < 3 || !slowest || !others || usual === undefined || others.count < 60) return [];
    const { peer, sketch, p99 } = slowest;
    if (p99 < 5 * usual || p99 - usual < 0.1) return [];
    const what = name === 'rpc_seconds' ? 'RPC' : 'Round-trip';
    const samples = countOf(sketch.count, 'sample');
    return [
      {
        id: `slow-peer:${name}`,
        title: `One peer is far slower than all others: ${quoted(peer)}`,
        action:
          'Close its link in the map so that work goes to others, or use its device on a better network.',
        evidence: [
          `${what} p99 is ${seconds(p99)}, ${number(p99 / usual)}× the others’ ${seconds(usual)}, of ${samples} ${inRecent}.`,
        ],
        expectedGain: `${seconds(p99 - usual)} for the slowest in a hundred of its calls.`,
        confidence: confidenceOf(sketch.count, 30),
      },
    ];
  });

const sketchesByPeer = (signals: Signals, name: string): readonly PeerSketch[] =>
  signals
    .valuesOf(name, 'peer')
    .filter((peer) => peer !== 'other')
    .flatMap((peer) => {
      const sketch = signals.distribution(name, recent, (labels) => labels['peer'] === peer);
      const p99 = sketch?.quantile(0.99);
      return sketch && p99 !== undefined ? [{ peer, sketch, p99 }] : [];
    });

const merged = ([first, ...rest]: readonly PeerSketch[]): Sketch | undefined => {
  const together = first?.sketch.copy();
  for (const { sketch } of rest) together?.merge(sketch);
  return together;
};

/** Direct links that can't be opened. */
export const linksRule: Rule = (signals) => {
  const isDirect = ({ way }: Labels) => way === 'direct';
  const tried = signals.increase('mesh_link_open_seconds', recent, isDirect);
  const failed = signals.distribution(
    'mesh_link_open_seconds',
    recent,
    (labels) => isDirect(labels) && labels['outcome'] !== 'up',
  );
  if (!failed || tried < 10 || failed.count < 5 || failed.count / tried < 0.5) return [];
  const carried = signals.increase('mesh_links_carried_total', recent);
  return [
    {
      id: 'links-failing',
      title: 'Most direct links fail to open',
      action:
        'Whoever runs the host can offer a TURN server; a network that lets UDP through, or one network for all, helps as well.',
      evidence: [
        `${number(failed.count)} of ${countOf(tried, 'attempt')} failed (${percent(failed.count / tried)}) ${inRecent}.`,
        ...(carried > 0 ? [`${countOf(carried, 'link')} went through the server instead.`] : []),
      ],
      expectedGain: `Up to ${seconds(failed.sum)} of attempts in 6 hours${carried > 0 ? ', and direct links instead of carried ones' : ''}.`,
      confidence: confidenceOf(tried, 10),
    },
  ];
};

/** A connection to the meeting server that does not hold. */
export const reconnectsRule: Rule = (signals) => {
  const again = signals.increase('signaling_reconnects_total', hour);
  if (again < 6) return [];
  const join = meanOf(signals.distribution('signaling_join_seconds', 24 * hour));
  return [
    {
      id: 'reconnects',
      title: 'The connection to the meeting server does not hold',
      action: 'Try another network, or ask whoever runs the host whether a proxy ends idle WebSockets.',
      evidence: [
        `It was made again ${countOf(again, 'time')} ${inHour}.`,
        ...(join === undefined ? [] : [`Connecting takes ${seconds(join)} on average.`]),
      ],
      expectedGain:
        join === undefined
          ? `${countOf(again, 'interruption')} an hour less.`
          : `${countOf(again, 'interruption')} an hour less, ${seconds(again * join)} of connecting.`,
      confidence: confidenceOf(again, 6),
    },
  ];
};
