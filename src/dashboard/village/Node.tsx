import { memo } from 'react';
import type { PeerId } from '../../core/brand.ts';
import { Lantern } from '../kit/Lantern.tsx';
import { toneOf } from '../kit/lantern.ts';

export type NodeProps = {
  readonly peer: PeerId;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly lit: boolean;
  readonly size: number;
  readonly current: boolean;
  readonly working: boolean;
  readonly label: string;
  readonly note?: string;
  readonly onSelect: (peer: PeerId) => void;
};

/** A lantern with its name. Drawn again only when something of it changed: a map has up to hundreds. */
export const Node = memo(function Node({
  peer,
  name,
  x,
  y,
  lit,
  size,
  current,
  working,
  label,
  note,
  onSelect,
}: NodeProps) {
  return (
    <li className="node" style={{ transform: `translate(${x}px, ${y}px)` }}>
      <button
        type="button"
        className={working ? 'node-button tone working' : 'node-button tone'}
        style={toneOf(peer)}
        aria-label={label}
        aria-current={current ? 'true' : undefined}
        onClick={() => onSelect(peer)}
      >
        <Lantern peer={peer} name={name} size={size} lit={lit} />
        <span className="node-name">{note ?? name}</span>
      </button>
    </li>
  );
});
