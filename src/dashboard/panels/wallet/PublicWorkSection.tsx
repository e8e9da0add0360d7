import type {
  EarningsView,
  ListingView,
  OpenPublicWorkView,
  PublicWorkView,
  WorkerView,
} from '../../../app/readModels.ts';
import { useAct } from '../../hooks/useAct.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Figure } from '../../kit/Facts.tsx';
import { Switch } from '../../kit/Field.tsx';
import { asSentence, formatInteger, formatVc } from '../../kit/format.ts';
import { Gauge } from '../../kit/Gauge.tsx';
import { Notice } from '../../kit/Notice.tsx';
import { PublicWorkOffer } from './PublicWorkOffer.tsx';
import { progressInWords, trustInWords, vestingInWords, workerInWords } from './publicWorkWords.ts';
import './publicWork.css';

/** How new VC comes into being: pages that the swarm has listed, and what this device does of them. */
export const PublicWorkSection = () => {
  const { models } = useApp();
  const work = useStore(models.publicWork);
  return (
    <section className="section public-work" aria-labelledby="public-work-title">
      <h2 id="public-work-title">Public work</h2>
      <p className="quiet wallet-prose">
        New VC is made for one thing only: work that governance has put on the swarm’s list. Two devices do
        each piece without knowing what the other finds, and both are paid if they agree; one that has earned
        trust may work alone, and is checked now and then.
      </p>
      <Content work={work} />
    </section>
  );
};

const Content = ({ work }: { readonly work: PublicWorkView }) => {
  switch (work.phase) {
    case 'off':
      return <p className="quiet">{work.reason} Without one there is nothing to be paid with.</p>;
    case 'opening':
      return <p className="quiet">Looking what is listed…</p>;
    case 'open':
      return <OpenWork work={work} />;
    default:
      return work satisfies never;
  }
};

const OpenWork = ({ work }: { readonly work: OpenPublicWorkView }) => {
  const { listings, offered, worker, earnings } = work;
  const takesPart = worker.wanted || earnings.accepted > 0 || worker.held > 0;
  return (
    <>
      {listings.length > 0 || takesPart ? <Worker worker={worker} /> : null}
      {takesPart ? <Earnings earnings={earnings} /> : null}
      {listings.length > 0 ? (
        <ul className="listings">
          {listings.map((listing) => (
            <Listing key={listing.id} listing={listing} />
          ))}
        </ul>
      ) : (
        <NothingListed offered={offered.length} />
      )}
      {offered.map((pages) => (
        <PublicWorkOffer key={pages.id} pages={pages} listing={work.listing} />
      ))}
    </>
  );
};

const Worker = ({ worker }: { readonly worker: WorkerView }) => {
  const { commands } = useApp();
  const { busy, error, act } = useAct();
  const problem = error ?? worker.problem;
  return (
    <>
      <Switch
        label="Work for the swarm while this device is idle"
        hint="Your own jobs and those of others here go first. Off stops within seconds, in all tabs of this device."
        checked={worker.wanted}
        disabled={busy || (worker.obstacle !== undefined && !worker.wanted)}
        onChange={(wanted) => void act(() => commands.setPublicWork(wanted))}
      />
      {worker.obstacle ? (
        <Notice tone={worker.wanted ? 'warn' : 'plain'} title="It can’t work from here now.">
          {asSentence(worker.obstacle)}
        </Notice>
      ) : (
        <p className="public-work-doing" role="status">
          {workerInWords(worker)}
        </p>
      )}
      {problem ? (
        <Notice tone="warn" title="Something did not work; it is tried again.">
          {asSentence(problem)}
        </Notice>
      ) : null}
    </>
  );
};

const Earnings = ({ earnings }: { readonly earnings: EarningsView }) => (
  <div className="figures public-work-figures">
    <Figure label="Accepted in a row" value={formatInteger(earnings.streak)} hint={trustInWords(earnings)} />
    <Figure
      label="Accepted ever"
      value={formatInteger(earnings.accepted)}
      hint="what was paid out stands in the history"
    />
    <Figure label="Not vested yet" value={formatVc(earnings.unvested)} hint="a wrong page would burn it" />
    <Figure
      label="Next payment"
      value={earnings.next ? formatVc(earnings.next.reward) : 'none'}
      hint={vestingInWords(earnings)}
    />
  </div>
);

const Listing = ({ listing }: { readonly listing: ListingView }) => (
  <li>
    <p>
      <strong className="row-words">{listing.title}</strong>{' '}
      <span className="quiet">{formatVc(listing.reward)} a page, for each who reads it</span>
    </p>
    <Gauge
      label="Accepted"
      value={listing.accepted}
      most={listing.units}
      text={`${formatInteger(listing.accepted)} of ${formatInteger(listing.units)}`}
      tone={listing.accepted + listing.voided >= listing.units ? 'good' : 'accent'}
    />
    <p className="small quiet">
      {progressInWords(listing)}
      {listing.obstacle && !listing.closed ? ` This device can’t take part: ${listing.obstacle}` : ''}
    </p>
  </li>
);

const NothingListed = ({ offered }: { readonly offered: number }) => (
  <p className="quiet wallet-prose">
    Nothing is listed now, so no VC is made.{' '}
    {offered > 0 ? (
      'This host offers pages; they can be proposed here.'
    ) : (
      <>
        Whoever runs this host can offer a folder of page images: start it with{' '}
        <code className="mono">AIVILLAGE_PUBLIC_WORK=folder</code>, then the pages can be proposed here.
      </>
    )}
  </p>
);
