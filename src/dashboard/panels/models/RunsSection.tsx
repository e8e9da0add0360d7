import type { RuntimeCheck } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { asSentence, formatDuration } from '../../kit/format.ts';
import { Icon, type IconName } from '../../kit/Icon.tsx';
import '../../kit/checks.css';

/** Not from a table of operators: the runtime itself opens the model and says. */
export const RunsSection = ({ missing }: { readonly missing: boolean }) => {
  const { models, commands } = useApp();
  const { checks, work, comparison } = useStore(models.bench);
  const checking = checks.wasm.phase === 'running' || checks.webgpu.phase === 'running';
  const busy = work.phase === 'running' || comparison.phase === 'running';
  return (
    <section className="section" aria-labelledby="runs-title">
      <div className="section-head">
        <h2 id="runs-title">Where it runs</h2>
        <Button
          icon={checking ? undefined : 'gauge'}
          disabled={missing || busy}
          onClick={() => void (checking ? commands.cancelModelWork() : commands.checkModel())}
        >
          {checking ? 'Cancel' : 'Check on this device'}
        </Button>
      </div>
      <ul className="checks" aria-live="polite">
        <Check title="WebAssembly" state={checks.wasm} good="Runs here, on the processor" />
        <Check title="WebGPU" state={checks.webgpu} good="All of it runs on the graphics card" />
      </ul>
    </section>
  );
};

const icons: Readonly<Record<RuntimeCheck['phase'], IconName>> = {
  unknown: 'unknown',
  running: 'clock',
  runs: 'check',
  refused: 'bad',
  'not-tried': 'warn',
};
const looks: Readonly<Record<RuntimeCheck['phase'], string>> = {
  unknown: 'unknown',
  running: 'unknown',
  runs: 'ok',
  refused: 'bad',
  'not-tried': 'warn',
};

const Check = ({
  title,
  state,
  good,
}: {
  readonly title: string;
  readonly state: RuntimeCheck;
  readonly good: string;
}) => (
  <li className={`check check-${looks[state.phase]}`}>
    <Icon name={icons[state.phase]} />
    <div>
      <h3>{title}</h3>
      <p className="quiet">{checkInWords(state, good)}</p>
    </div>
  </li>
);

const checkInWords = (state: RuntimeCheck, good: string): string => {
  switch (state.phase) {
    case 'unknown':
      return 'Not tried yet.';
    case 'running':
      return 'Opening it…';
    case 'runs':
      return `${good}; ready after ${formatDuration(state.openMs)}.`;
    case 'refused':
      return asSentence(state.reason);
    case 'not-tried':
      return `Not tried: ${state.reason}.`;
    default:
      return state satisfies never;
  }
};
