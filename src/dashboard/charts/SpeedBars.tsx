import type { MeasuredSpeed, RuntimeKind } from '../../app/readModels.ts';
import { formatSpeed } from '../kit/format.ts';
import './charts.css';

const taskNames: Readonly<Record<string, string>> = {
  'ocr.detect': 'Finding text',
  'ocr.recognize': 'Reading lines',
};
export const runtimeNames: Record<RuntimeKind, string> = { wasm: 'WASM', webgpu: 'WebGPU' };
export const taskName = (kind: string): string => taskNames[kind] ?? kind;

/** What each runtime did per second on this device, all its workers together, kind by kind. */
export const SpeedBars = ({
  measured,
  chosen,
}: {
  readonly measured: readonly MeasuredSpeed[];
  readonly chosen: RuntimeKind | undefined;
}) => {
  const kinds = [...new Set(measured.flatMap((speed) => Object.keys(speed.megapixelsPerSecond)))];
  return (
    <div className="speed-bars">
      {kinds.map((kind) => {
        const total = (speed: MeasuredSpeed) => (speed.megapixelsPerSecond[kind] ?? 0) * speed.workers;
        const best = Math.max(...measured.map(total));
        return (
          <section key={kind}>
            <h3 className="speed-kind">{taskName(kind)}</h3>
            {measured.map((speed) => (
              <div
                key={`${speed.runtime}-${speed.threads}`}
                className="speed-bar"
                data-chosen={speed.runtime === chosen ? '' : undefined}
              >
                <span className="speed-name">
                  {runtimeNames[speed.runtime]}
                  {speed.runtime === 'wasm' ? (
                    <span className="quiet"> ×{speed.threads * speed.workers}</span>
                  ) : null}
                </span>
                <span className="speed-track" aria-hidden="true">
                  <span
                    className="speed-fill"
                    style={{ display: 'block', width: `${best > 0 ? (total(speed) / best) * 100 : 0}%` }}
                  />
                </span>
                <span className="number">{formatSpeed(total(speed))}</span>
              </div>
            ))}
          </section>
        );
      })}
    </div>
  );
};
