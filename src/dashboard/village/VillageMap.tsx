import { lazy, Suspense, useCallback, useMemo, useRef } from 'react';
import type { PeerView, SelfView } from '../../app/readModels.ts';
import type { PeerId } from '../../core/brand.ts';
import { useMediaQuery } from '../hooks/useMediaQuery.ts';
import { useSize } from '../hooks/useSize.ts';
import { useVisible } from '../hooks/useVisible.ts';
import { lanternOf, toneOf } from '../kit/lantern.ts';
import { layoutVillage, type Size, threadPath, type VillageLayout } from './layout.ts';
import { Node } from './Node.tsx';
import { peerInWords } from './peerInWords.ts';
import { Ridges, Stars } from './Ridges.tsx';
import { Spark, sparkMs } from './Spark.tsx';
import './village.css';

/** From so many others on a room is drawn as a constellation: lanterns with names would cover each other. */
const constellationFrom = 15;
const ConstellationMap = lazy(async () => ({
  default: (await import('./ConstellationMap.tsx')).ConstellationMap,
}));

export type VillageMapProps = {
  readonly self: Pick<SelfView, 'peer' | 'name'>;
  /** Whether this device works for others: an unlit lantern doesn't. */
  readonly selfLit: boolean;
  readonly peers: readonly PeerView[];
  readonly large?: boolean;
  readonly selected?: string | undefined;
  readonly onSelect: (peer: PeerId) => void;
};

/**
 * Every tab a lantern, every link a thread (a large room: see ConstellationMap), every task a spark in the colour of whoever works on it. Nothing moves in
 * a hidden tab or against the person's preference; the nodes are plain buttons in reading order.
 */
export const VillageMap = ({ self, selfLit, peers, large = false, selected, onSelect }: VillageMapProps) => {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSize(ref);
  const visible = useVisible();
  const calm = useMediaQuery('(prefers-reduced-motion: reduce)');
  const ordered = useMemo(() => [...peers].sort((a, b) => a.connectedAt - b.connectedAt), [peers]);
  const crowded = size !== undefined && size.width < 560 && ordered.length > 4;
  const lanternSize = crowded ? 26 : large ? 44 : 38;
  const layout = size
    ? layoutVillage(ordered.length, size, {
        x: crowded ? 26 : Math.min(64, size.width * 0.13),
        top: large ? 40 : 28,
        bottom: size.width < 560 ? 104 : large ? 150 : 120,
      })
    : undefined;
  // The same function for ever, so that nodes which have not changed are not drawn again.
  const latest = useRef(onSelect);
  latest.current = onSelect;
  const select = useCallback((peer: PeerId) => latest.current(peer), []);
  if (size && ordered.length >= constellationFrom) {
    return (
      <div ref={ref} className={`village${large ? ' village-large' : ''}`}>
        <Stars />
        <Ridges />
        <Suspense>
          <ConstellationMap
            self={self}
            selfLit={selfLit}
            peers={ordered}
            size={size}
            selected={selected}
            onSelect={select}
          />
        </Suspense>
      </div>
    );
  }
  return (
    <div ref={ref} className={`village${large ? ' village-large' : ''}`}>
      <Stars />
      <Ridges />
      {size && layout ? (
        <>
          <Threads self={self.peer} peers={ordered} layout={layout} size={size} />
          <Sparks self={self.peer} peers={ordered} layout={layout} still={calm || !visible} />
        </>
      ) : null}
      {layout ? (
        <ul className={crowded ? 'nodes nodes-crowded' : 'nodes'} aria-label="Devices in this room">
          {ordered.map((peer, index) => (
            <Node
              key={peer.status.peer}
              peer={peer.status.peer}
              name={peer.status.name}
              x={(layout.peers[index] ?? layout.self).x}
              y={(layout.peers[index] ?? layout.self).y}
              lit={peer.status.accepts.open}
              size={lanternSize}
              current={peer.status.peer === selected}
              working={peer.workingForUs > 0}
              label={peerInWords(peer)}
              onSelect={select}
            />
          ))}
          <Node
            peer={self.peer}
            name={self.name}
            x={layout.self.x}
            y={layout.self.y}
            lit={selfLit}
            size={lanternSize + 10}
            current={self.peer === selected}
            working={ordered.some((peer) => peer.workingForIt > 0)}
            label={`${self.name}, this device`}
            note="this device"
            onSelect={select}
          />
        </ul>
      ) : null}
    </div>
  );
};

type Wires = {
  readonly self: PeerId;
  readonly peers: readonly PeerView[];
  readonly layout: VillageLayout;
};

const Threads = ({ self, peers, layout, size }: Wires & { readonly size: Size }) => (
  <svg className="threads" width={size.width} height={size.height} aria-hidden="true" focusable="false">
    {peers.map((peer, index) => (
      <path
        key={peer.status.peer}
        className={`thread tone ${peer.workingForUs + peer.workingForIt > 0 ? 'busy' : ''} ${peer.way ?? ''}`}
        style={toneOf(peer.workingForUs > 0 ? peer.status.peer : self)}
        d={threadPath(layout.peers[index] ?? layout.self, layout.self)}
      />
    ))}
  </svg>
);

const mostSparks = 3;

/** Work for us flies in from the peer that does it; work for others flies out from here. */
const Sparks = ({ self, peers, layout, still }: Wires & { readonly still: boolean }) => (
  <div className="sparks" aria-hidden="true">
    {peers.flatMap((peer, index) => {
      const at = layout.peers[index] ?? layout.self;
      const flights = [
        { kind: 'in', count: peer.workingForUs, worker: peer.status.peer, from: at, to: layout.self },
        { kind: 'out', count: peer.workingForIt, worker: self, from: layout.self, to: at },
      ] as const;
      return flights.flatMap(({ kind, count, worker, from, to }) =>
        Array.from({ length: Math.min(count, mostSparks) }, (_, nth) => (
          <Spark
            // biome-ignore lint/suspicious/noArrayIndexKey: sparks of one flight are alike; only their number changes
            key={`${peer.status.peer}-${kind}-${nth}`}
            peer={worker}
            from={from}
            to={to}
            still={still}
            // Sparks of different peers start apart, or the whole map would blink in step.
            delay={-Math.round((nth / mostSparks) * sparkMs + lanternOf(peer.status.peer).hue * 7)}
          />
        )),
      );
    })}
  </div>
);
