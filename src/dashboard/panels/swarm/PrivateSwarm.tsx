import { type FormEvent, useState } from 'react';
import type { PrivateSwarmView, RoomView } from '../../../app/readModels.ts';
import { useNow } from '../../hooks/useNow.ts';
import { Button } from '../../kit/Button.tsx';
import { Facts } from '../../kit/Facts.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { asSentence, formatAgo, formatClockTime, formatDateTime } from '../../kit/format.ts';
import { Empty, Notice } from '../../kit/Notice.tsx';
import { actInWords, chainInWords, personInWords, roleInWords } from './swarmWords.ts';
import { useAdminister } from './useAdminister.ts';

const longestName = 40;
const pageSize = 20;

/** Who decides in a private swarm, who was sent away, and the log that says so. */
export const PrivateSwarm = ({
  swarm,
  room,
}: {
  readonly swarm: PrivateSwarmView;
  readonly room: RoomView;
}) => (
  <>
    <section className="section" aria-labelledby="order-title">
      <h2 id="order-title">Who decides here</h2>
      <Roles swarm={swarm} />
      {swarm.mayRename ? <RenameForm key={room.name} name={room.name} /> : null}
    </section>
    <Removed swarm={swarm} />
    <AuditLog swarm={swarm} />
  </>
);

const Roles = ({ swarm }: { readonly swarm: PrivateSwarmView }) => {
  const listed = (role: 'operator' | 'keeper') =>
    swarm.members
      .filter(({ roles }) => roles.includes(role))
      .map(({ who, here }) => `${personInWords(who)}${here ? '' : ' (not here)'}`)
      .join(', ') || 'nobody';
  return (
    <Facts
      facts={[
        { term: 'Founder', value: personInWords(swarm.founder), hint: 'may do everything' },
        { term: 'Operators', value: listed('operator'), hint: 'may remove people and let them back in' },
        {
          term: 'Keepers',
          value: listed('keeper'),
          hint: 'for the swarm’s records; nothing depends on it yet',
        },
        { term: 'You', value: <OwnRole swarm={swarm} /> },
      ]}
    />
  );
};

const OwnRole = ({ swarm: { ownRoles, provenUntil } }: { readonly swarm: PrivateSwarmView }) => {
  if (ownRoles.length === 0) return <>member</>;
  const roles = ownRoles.map((role) => roleInWords[role]).join(' and ');
  if (ownRoles.includes('founder')) return <>{roles}</>;
  return (
    <>
      {roles}
      <span className="fact-hint">
        {provenUntil > 0
          ? `proved until ${formatClockTime(provenUntil)}, and renewed before that`
          : 'can’t be proved now: the founder or another operator has to be here'}
      </span>
    </>
  );
};

const RenameForm = ({ name }: { readonly name: string }) => {
  const { busy, run } = useAdminister();
  const [draft, setDraft] = useState(name);
  const wanted = draft.trim();
  const save = (event: FormEvent) => {
    event.preventDefault();
    void run({ t: 'rename', name: wanted }, `This swarm is called “${wanted}” now.`);
  };
  return (
    <form className="rename-form" onSubmit={save}>
      <Field label="Name of this swarm">
        {(ids) => (
          <TextInput
            {...ids}
            value={draft}
            maxLength={longestName}
            autoComplete="off"
            onChange={(event) => setDraft(event.currentTarget.value)}
          />
        )}
      </Field>
      <Button submit disabled={busy || wanted === '' || wanted === name}>
        Save name
      </Button>
    </form>
  );
};

const Removed = ({ swarm }: { readonly swarm: PrivateSwarmView }) => {
  const { busy, run } = useAdminister();
  if (swarm.removed.length === 0) return null;
  return (
    <section className="section" aria-labelledby="removed-title">
      <h2 id="removed-title">Removed</h2>
      <ul className="swarm-list">
        {swarm.removed.map(({ who, by, reason, at, mayReturn }) => (
          <li key={who.account}>
            <div>
              <strong>{personInWords(who)}</strong>: “{reason}”
              <span className="fact-hint">
                by {personInWords(by)}, {formatDateTime(at)}
              </span>
            </div>
            {mayReturn ? (
              <Button
                disabled={busy}
                onClick={() =>
                  void run({ t: 'readmit', account: who.account }, `${personInWords(who)} may come back.`)
                }
              >
                Let back in
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      <p className="quiet small">
        Who still has the link can come back under a new account. If that happens, found a new private swarm
        and send its link only to those who should be in it.
      </p>
    </section>
  );
};

const AuditLog = ({ swarm }: { readonly swarm: PrivateSwarmView }) => {
  const { wall } = useNow(30_000);
  const [limit, setLimit] = useState(pageSize);
  const chain = chainInWords(swarm);
  return (
    <section className="section" aria-labelledby="audit-title">
      <h2 id="audit-title">What was decided</h2>
      {swarm.acts.length === 0 ? (
        <Empty title="Nothing yet">
          When somebody is given a role, removed or let back in, it stands here for everybody to see and
          check.
        </Empty>
      ) : (
        <>
          <Notice tone={chain.holds ? 'good' : 'bad'} title={chain.title}>
            {chain.text}
          </Notice>
          <ol className="swarm-list">
            {swarm.acts.slice(0, limit).map((act) => (
              <li key={act.id}>
                <div>
                  {asSentence(actInWords(act))}
                  {act.whyVoid ? <span className="fact-hint">Counts for nothing: {act.whyVoid}.</span> : null}
                </div>
                <time
                  className="quiet small"
                  dateTime={new Date(act.at).toISOString()}
                  title={formatDateTime(act.at)}
                >
                  {formatAgo(wall - act.at)}
                </time>
              </li>
            ))}
          </ol>
          {swarm.acts.length > limit ? (
            <Button onClick={() => setLimit(limit + pageSize)}>Show older</Button>
          ) : null}
        </>
      )}
    </section>
  );
};
