import { memo, useMemo } from 'react';
import type { PeerView, SelfView } from '../../app/readModels.ts';
import type { PeerId } from '../../core/brand.ts';
import { toneOf } from '../kit/lantern.ts';
import { layoutConstellation, linksPath } from './constellation.ts';
import type { Size } from './layout.ts';
import { Node } from './Node.tsx';
import { peerInWords } from './peerInWords.ts';

type Way = NonNullable<PeerView['way']>;
const ways: readonly Way[] = ['direct', 'relayed', 'carried'];

/**
 * A room too large for lanterns: neighbours by name around this device, everybody else a star, and every link there is.
 * The links are four paths, however many.
 */
export const ConstellationMap = ({
  self,
  selfLit,
  peers,
  size,
  selected,
  onSelect,
}: {
  readonly self: Pick<SelfView, 'peer' | 'name'>;
  readonly selfLit: boolean;
  readonly peers: readonly PeerView[];
  readonly size: Size;
  readonly selected: string | undefined;
  readonly onSelect: (peer: PeerId) => void;
}) => {
  const narrow = size.width < 560;
  const drawn = useMemo(
    () =>
      layoutConstellation(self.peer, peers, size, {
        x: narrow ? 22 : 64,
        top: 40,
        bottom: narrow ? 60 : 90,
      }),
    [self.peer, peers, size, narrow],
  );
  const places = new Map(drawn.stars.map(({ peer, at }) => [peer, at]));
  const placeOf = (peer: PeerId) => (peer === self.peer ? drawn.self : places.get(peer));
  const isOf = (peer: string) => (link: readonly [PeerId, PeerId]) => link[0] === peer || link[1] === peer;
  const own = drawn.links.filter(isOf(self.peer));
  const waysByPeer = new Map(peers.map(({ status, way }) => [status.peer, way ?? 'direct']));
  const goes = (wanted: Way) => (link: readonly [PeerId, PeerId]) =>
    link.every((peer) => peer === self.peer || waysByPeer.get(peer) === wanted);
  const starsByPeer = new Map(drawn.stars.map((star) => [star.peer, star]));
  return (
    <>
      <svg className="threads" width={size.width} height={size.height} aria-hidden="true" focusable="false">
        <path className="thread far" d={linksPath(drawn.links, placeOf)} />
        {ways.map((way) => (
          <path key={way} className={`thread ${way}`} d={linksPath(own.filter(goes(way)), placeOf)} />
        ))}
        {selected === undefined ? null : (
          <path
            className="thread busy tone"
            style={toneOf(selected as PeerId)}
            d={linksPath(drawn.links.filter(isOf(selected)), placeOf)}
          />
        )}
      </svg>
      <ul className={narrow ? 'nodes nodes-crowded' : 'nodes'} aria-label="Devices in this room">
        {peers.map((peer) => {
          const star = starsByPeer.get(peer.status.peer);
          if (!star) return null;
          const common = {
            peer: star.peer,
            name: peer.status.name,
            x: star.at.x,
            y: star.at.y,
            lit: peer.status.accepts.open,
            current: star.peer === selected,
            working: peer.workingForUs > 0,
            label: peerInWords(peer),
            onSelect,
          };
          return star.hops === 1 ? (
            <Node key={star.peer} size={26} {...common} />
          ) : (
            <StarNode key={star.peer} {...common} />
          );
        })}
        <Node
          peer={self.peer}
          name={self.name}
          x={drawn.self.x}
          y={drawn.self.y}
          lit={selfLit}
          size={38}
          current={self.peer === selected}
          working={peers.some((peer) => peer.workingForIt > 0)}
          label={`${self.name}, this device`}
          note="this device"
          onSelect={onSelect}
        />
      </ul>
    </>
  );
};

const StarNode = memo(function StarNode({
  peer,
  name,
  x,
  y,
  lit,
  current,
  working,
  label,
  onSelect,
}: {
  readonly peer: PeerId;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly lit: boolean;
  readonly current: boolean;
  readonly working: boolean;
  readonly label: string;
  readonly onSelect: (peer: PeerId) => void;
}) {
  return (
    <li className="node" style={{ transform: `translate(${x}px, ${y}px)` }}>
      <button
        type="button"
        className={working ? 'star-button tone working' : 'star-button tone'}
        style={toneOf(peer)}
        aria-label={label}
        aria-current={current ? 'true' : undefined}
        onClick={() => onSelect(peer)}
      >
        <span className={lit ? 'star' : 'star star-unlit'} />
        <span className="node-name">{name}</span>
      </button>
    </li>
  );
});
