import { useState } from 'react';
import { useApp } from '../../../hooks/useApp.ts';

/** What to do about an alert, step by step: opened in its place, from what comes with the page. */
export const Runbook = ({ link }: { readonly link: string }) => {
  const { commands } = useApp();
  const [paragraphs, setParagraphs] = useState<readonly string[] | 'none'>();
  const toggle = async () =>
    setParagraphs(paragraphs === undefined ? ((await commands.runbook(link)) ?? 'none') : undefined);
  return (
    <>
      <button
        type="button"
        className="text-link small"
        aria-expanded={paragraphs !== undefined}
        onClick={() => void toggle()}
      >
        What to do, step by step
      </button>
      {paragraphs === undefined ? null : (
        <div className="runbook small">
          {paragraphs === 'none' ? (
            <p>This build has no page about it.</p>
          ) : (
            paragraphs.map((paragraph) => <p key={paragraph}>{paragraph}</p>)
          )}
        </div>
      )}
    </>
  );
};
