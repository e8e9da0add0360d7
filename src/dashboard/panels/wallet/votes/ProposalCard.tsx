import { useId, useState } from 'react';
import type { ProposalView } from '../../../../app/readModels.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { ConfirmDialog } from '../../../kit/ConfirmDialog.tsx';
import { asSentence, formatVc } from '../../../kit/format.ts';
import { Gauge, GaugeLine } from '../../../kit/Gauge.tsx';
import { PartyName } from '../PartyName.tsx';
import { Until } from '../Until.tsx';
import {
  type Choice,
  choiceInWords,
  choices,
  isDecided,
  nextInWords,
  phaseInWords,
  shareInWords,
  standingInWords,
} from './voteWords.ts';

export const ProposalCard = ({
  proposal,
  power,
  canSign,
  onOpen,
}: {
  readonly proposal: ProposalView;
  readonly power: number;
  readonly canSign: boolean;
  readonly onOpen: (item: string) => void;
}) => {
  const titleId = useId();
  const next = nextInWords(proposal.phase);
  const asked = proposal.phase !== 'draft';
  return (
    <article className="proposal" aria-labelledby={titleId} data-phase={proposal.phase}>
      <header className="proposal-head">
        <h3 id={titleId}>
          <button type="button" className="row-link" onClick={() => onOpen(proposal.id)}>
            <span className="row-words">{proposal.description}</span>
          </button>
        </h3>
        <span className="badge proposal-phase">{phaseInWords[proposal.phase]}</span>
      </header>
      <ul className="proposal-actions">
        {proposal.actions.map((action) => (
          <li key={action}>{asSentence(action)}</li>
        ))}
      </ul>
      <p className="proposal-by small quiet">
        by <PartyName party={proposal.by} />
        {next && proposal.endsAt !== undefined ? (
          <span>
            {next} <Until at={proposal.endsAt} />
          </span>
        ) : null}
      </p>
      {proposal.outcome ? <p className="small">{asSentence(proposal.outcome)}</p> : null}
      {asked ? <Tally proposal={proposal} /> : null}
      <OwnPart proposal={proposal} power={power} canSign={canSign} />
    </article>
  );
};

const tones = { for: 'good', against: 'bad', abstain: 'plain' } as const;

const Tally = ({ proposal }: { readonly proposal: ProposalView }) => {
  const cast = proposal.for + proposal.against + proposal.abstain;
  const { needed, reached } = proposal.quorum;
  return (
    <div className="tally">
      {choices.map((choice) => (
        <GaugeLine
          key={choice}
          label={choiceInWords[choice]}
          figure={
            <>
              {formatVc(proposal[choice])}{' '}
              <span className="quiet gauge-share">{shareInWords(proposal[choice], proposal)}</span>
            </>
          }
        >
          <Gauge
            label={choiceInWords[choice]}
            value={proposal[choice]}
            most={cast}
            tone={tones[choice]}
            text={`${formatVc(proposal[choice])}, ${shareInWords(proposal[choice], proposal)}`}
          />
        </GaugeLine>
      ))}
      <GaugeLine
        label="Quorum"
        figure={
          <>
            {formatVc(reached)} <span className="quiet">of {formatVc(needed)}</span>
          </>
        }
      >
        <Gauge
          label="Power that took part, and that must"
          value={reached}
          most={Math.max(needed * 1.25, reached)}
          needed={needed}
          text={`${formatVc(reached)} of ${formatVc(needed)} needed`}
        />
      </GaugeLine>
      {proposal.phase === 'timelock' ? (
        <GaugeLine
          label="Vetoes"
          figure={
            <>
              {formatVc(proposal.vetoed.power)}{' '}
              <span className="quiet">of {formatVc(proposal.vetoed.needed)}</span>
            </>
          }
        >
          <Gauge
            label="Power for a veto, and that is needed to stop it"
            value={proposal.vetoed.power}
            most={Math.max(proposal.vetoed.needed * 1.25, proposal.vetoed.power)}
            needed={proposal.vetoed.needed}
            tone="bad"
            text={`${formatVc(proposal.vetoed.power)} of ${formatVc(proposal.vetoed.needed)} needed to stop it`}
          />
        </GaugeLine>
      ) : null}
      {proposal.phase === 'voting' ? <p className="small quiet">{standingInWords(proposal)}</p> : null}
    </div>
  );
};

/** What this person did about it, or can do. */
const OwnPart = ({
  proposal,
  power,
  canSign,
}: {
  readonly proposal: ProposalView;
  readonly power: number;
  readonly canSign: boolean;
}) => {
  const [choice, setChoice] = useState<Choice>();
  const [vetoing, setVetoing] = useState(false);
  const mayAct = canSign && !isDecided(proposal);
  return (
    <>
      {proposal.ownVote ? (
        <p className="small">
          You voted: <strong>{choiceInWords[proposal.ownVote]}</strong>.
        </p>
      ) : null}
      {mayAct && proposal.mayVote ? (
        <div className="bar">
          {choices.map((option) => (
            <Button key={option} onClick={() => setChoice(option)}>
              {choiceInWords[option]}
            </Button>
          ))}
        </div>
      ) : null}
      {mayAct && proposal.mayVeto ? (
        <div className="bar">
          <Button look="danger" onClick={() => setVetoing(true)}>
            Veto
          </Button>
        </div>
      ) : null}
      {choice ? (
        <VoteDialog proposal={proposal} choice={choice} power={power} onClose={() => setChoice(undefined)} />
      ) : null}
      {vetoing ? <VetoDialog proposal={proposal} power={power} onClose={() => setVetoing(false)} /> : null}
    </>
  );
};

const VoteDialog = ({
  proposal,
  choice,
  power,
  onClose,
}: {
  readonly proposal: ProposalView;
  readonly choice: Choice;
  readonly power: number;
  readonly onClose: () => void;
}) => {
  const { commands } = useApp();
  return (
    <ConfirmDialog
      title={choice === 'abstain' ? 'Abstain?' : `Vote ${choice} it?`}
      confirm={choice === 'abstain' ? 'Abstain' : `Vote ${choice} it`}
      done="Signed: your vote counts when it is final."
      facts={[
        { term: 'Proposal', value: proposal.description },
        { term: 'It would', value: proposal.actions.map(asSentence).join(' ') },
        {
          term: 'Your vote',
          value: choiceInWords[choice],
          hint: choice === 'abstain' ? 'counts for the quorum, and for neither side' : undefined,
        },
        {
          term: 'Your power',
          value: formatVc(power),
          hint: 'as it was counted when voting began; nothing is spent',
        },
      ]}
      onConfirm={() => commands.vote(proposal.id, choice)}
      onClose={onClose}
    >
      A vote can’t be changed.
    </ConfirmDialog>
  );
};

const VetoDialog = ({
  proposal,
  power,
  onClose,
}: {
  readonly proposal: ProposalView;
  readonly power: number;
  readonly onClose: () => void;
}) => {
  const { commands } = useApp();
  return (
    <ConfirmDialog
      title="Veto it?"
      confirm="Veto"
      danger
      done="Signed: your veto counts when it is final."
      facts={[
        { term: 'Proposal', value: proposal.description },
        { term: 'Your power', value: formatVc(power) },
        {
          term: 'Vetoes so far',
          value: `${formatVc(proposal.vetoed.power)} of ${formatVc(proposal.vetoed.needed)} needed`,
        },
      ]}
      onConfirm={() => commands.veto(proposal.id)}
      onClose={onClose}
    >
      It passed the vote. If {formatVc(proposal.vetoed.needed)} of power is against it before its time is up,
      it is not carried out. A veto can’t be taken back.
    </ConfirmDialog>
  );
};
