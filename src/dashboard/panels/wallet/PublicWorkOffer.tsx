import { type FormEvent, useState } from 'react';
import type { ListingRunView, OfferedPagesView } from '../../../app/readModels.ts';
import { useAct } from '../../hooks/useAct.ts';
import { useApp } from '../../hooks/useApp.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { Button } from '../../kit/Button.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { asSentence, formatCount, formatVc } from '../../kit/format.ts';
import { Notice } from '../../kit/Notice.tsx';

/** Pages of this host that are not on the swarm's list: how they may come onto it. */
export const PublicWorkOffer = ({
  pages,
  listing,
}: {
  readonly pages: OfferedPagesView;
  readonly listing: ListingRunView;
}) => (
  <div className="public-work-offer">
    <h3>{`“${pages.name}”: ${formatCount(pages.pages, 'page')} this host offers`}</h3>
    {pages.state === 'proposed' ? (
      <p className="quiet">Proposed. It is under Votes, and listed here once it is carried out.</p>
    ) : (
      <ProposeForm pages={pages} listing={listing} />
    )}
  </div>
);

const ProposeForm = ({
  pages,
  listing,
}: {
  readonly pages: OfferedPagesView;
  readonly listing: ListingRunView;
}) => {
  const { commands } = useApp();
  const notify = useNotify();
  const { busy, error, act } = useAct();
  const [title, setTitle] = useState(pages.name.slice(0, 80));
  const [problem, setProblem] = useState<string>();
  const running = listing.phase === 'running';
  const refusal = listing.phase === 'idle' ? listing.refusal : undefined;
  const propose = async (event: FormEvent) => {
    event.preventDefault();
    const named = title.trim();
    setProblem(named === '' ? 'Give it a title, so that voters know what it is.' : undefined);
    if (named !== '' && (await act(() => commands.proposeListing({ title: named, pages: pages.id }))))
      notify({ text: 'Proposed: look under Votes how it goes on.' });
  };
  if (refusal) return <p className="quiet wallet-prose">Not on the list. {refusal}</p>;
  return (
    <form className="wallet-form" onSubmit={(event) => void propose(event)} noValidate>
      <p className="quiet wallet-prose">
        This device reads at least two of them to see what a page costs, then proposes the list. Every page is
        shown to whoever works on it: offer nothing private.
        {listing.phase === 'idle' && listing.deposit > 0
          ? ` The proposal takes a deposit of ${formatVc(listing.deposit)}, which comes back if enough people vote.`
          : ''}
      </p>
      <Field label="Title" error={problem}>
        {(ids) => (
          <TextInput
            {...ids}
            autoComplete="off"
            maxLength={80}
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
        )}
      </Field>
      {error ? (
        <Notice tone="bad" title="It was not proposed.">
          {asSentence(error)}
        </Notice>
      ) : null}
      <div className="bar">
        <Button look="primary" submit disabled={busy || running}>
          List the pages this host offers
        </Button>
        {running && listing.pages === pages.id ? (
          <>
            <Button look="plain" onClick={() => commands.cancelListing()}>
              Stop
            </Button>
            <span className="quiet small" role="status">
              {asSentence(listing.doing)}
            </span>
          </>
        ) : null}
      </div>
    </form>
  );
};
