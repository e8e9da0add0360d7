import { useEffect, useRef } from 'react';
import type { PeerId } from '../../core/brand.ts';
import { toneOf } from '../kit/lantern.ts';
import { type Point, pointsOnThread } from './layout.ts';

export const sparkMs = 2_600;
/** Ten moves a second are enough for a spark; without a GPU each move costs time that the readers could use. */
const movesPerFlight = 26;

/**
 * One task under way, a point of light in the colour of whoever works on it. Moved by transforms alone, which the
 * compositor does without the main thread.
 */
export const Spark = ({
  from,
  to,
  peer,
  delay,
  still,
}: {
  readonly from: Point;
  readonly to: Point;
  readonly peer: PeerId;
  readonly delay: number;
  readonly still: boolean;
}) => {
  const ref = useRef<HTMLSpanElement>(null);
  const { x: fromX, y: fromY } = from;
  const { x: toX, y: toY } = to;
  useEffect(() => {
    const points = pointsOnThread({ x: fromX, y: fromY }, { x: toX, y: toY }, movesPerFlight);
    const frames = points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)`, easing: 'step-end' }));
    const flight = ref.current?.animate(frames, {
      duration: sparkMs,
      iterations: Number.POSITIVE_INFINITY,
      delay,
    });
    if (still) {
      flight?.pause();
      if (flight) flight.currentTime = sparkMs / 2;
    }
    return () => flight?.cancel();
  }, [fromX, fromY, toX, toY, delay, still]);
  return <span ref={ref} className="spark tone" style={toneOf(peer)} />;
};
