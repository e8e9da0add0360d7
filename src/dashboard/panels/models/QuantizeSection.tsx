import { useState } from 'react';
import type { ModelsView, QuantizeProgress, Recipe, RecipePlan } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { formatBytes } from '../../kit/format.ts';
import { Meter } from '../../kit/Meter.tsx';
import { Notice } from '../../kit/Notice.tsx';
import type { Run } from './ModelsPanel.tsx';
import { changesInWords, ratioInWords, recipeWords, whyNothing } from './modelWords.ts';

export const QuantizeSection = ({
  file,
  onRun,
}: {
  readonly file: Extract<ModelsView['file'], { phase: 'open' }>;
  readonly onRun: Run;
}) => {
  const { models, commands } = useApp();
  const { work } = useStore(models.bench);
  const possible = file.plans.filter(({ outcome }) => outcome.ok && outcome.value.tensors > 0);
  const [picked, setPicked] = useState<Recipe>();
  const recipe = possible.find((plan) => plan.recipe === picked)?.recipe ?? possible[0]?.recipe;
  const nothing = whyNothing(file);
  const onlyLarger = possible.length > 0 && possible.every((plan) => plan.recipe.startsWith('unpack'));
  const running = work.phase === 'running';
  const begin = () => {
    if (running) onRun(commands.cancelModelWork);
    else if (recipe) onRun(() => commands.quantizeModel(recipe));
  };
  return (
    <section className="section" aria-labelledby="quantise-title">
      <h2 id="quantise-title">{onlyLarger ? 'Write it another way' : 'Make it smaller'}</h2>
      {nothing ? <p className="quiet">{nothing}</p> : null}
      {nothing === undefined && recipe ? (
        <>
          <fieldset className="recipes" disabled={running}>
            <legend className="unseen">How its weights are written</legend>
            {file.plans.map((plan) => (
              <RecipeChoice
                key={plan.recipe}
                plan={plan}
                bytes={file.description.bytes}
                checked={plan.recipe === recipe}
                onPick={() => setPicked(plan.recipe)}
              />
            ))}
          </fieldset>
          {work.phase === 'failed' ? (
            <Notice tone="bad" title="It could not be made.">
              {work.reason}
            </Notice>
          ) : null}
          {work.phase === 'cancelled' ? (
            <p className="quiet">Stopped. Nothing of it is left on this device.</p>
          ) : null}
          <div className="model-work">
            {running ? <Progress progress={work.progress} /> : null}
            <Button look={running ? 'outline' : 'primary'} onClick={begin}>
              {running ? 'Cancel' : recipeWords[recipe].act}
            </Button>
          </div>
        </>
      ) : null}
    </section>
  );
};

const RecipeChoice = ({
  plan: { recipe, outcome },
  bytes,
  checked,
  onPick,
}: {
  readonly plan: RecipePlan;
  readonly bytes: number;
  readonly checked: boolean;
  readonly onPick: () => void;
}) => {
  const { title, what } = recipeWords[recipe];
  const possible = outcome.ok && outcome.value.tensors > 0;
  return (
    <label className="recipe" data-off={possible ? undefined : ''}>
      <input type="radio" name="recipe" checked={checked} disabled={!possible} onChange={onPick} />
      <span className="recipe-words">
        <span className="recipe-title">
          <strong>{title}</strong>
          {outcome.ok && possible ? <span>{formatBytes(outcome.value.bytesAfter)}</span> : null}
        </span>
        <span className="quiet small">{what}</span>
        <span className="small">
          {outcome.ok
            ? possible
              ? `${capital(ratioInWords(bytes, outcome.value.bytesAfter))}; ${changesInWords(outcome.value.tensors, outcome.value.skipped.length)}.`
              : 'None of its weights can be written so.'
            : outcome.error.message}
        </span>
      </span>
    </label>
  );
};

const Progress = ({ progress }: { readonly progress: QuantizeProgress | undefined }) => {
  const share = progress && progress.bytes > 0 ? progress.bytesDone / progress.bytes : 0;
  return (
    <div className="model-progress">
      <Meter label="Weights done" value={share} />
      <p className="small model-progress-words">
        {progress ? (
          <>
            <span className="clip">{progress.tensor}</span>
            <span className="quiet">
              {formatBytes(progress.bytesDone)} of {formatBytes(progress.bytes)},{' '}
              {formatBytes(progress.bytesPerSecond)}/s
            </span>
          </>
        ) : (
          <span className="quiet">Reading the model…</span>
        )}
      </p>
    </div>
  );
};

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
