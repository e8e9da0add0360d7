import { type FormEvent, useState } from 'react';
import type { SwarmMember } from '../../../app/readModels.ts';
import { Button } from '../../kit/Button.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { roleInWords } from './swarmWords.ts';
import { useAdminister } from './useAdminister.ts';

const longestReason = 140;

/** What this person may do to somebody in a private swarm; nothing is drawn if that is nothing. */
export const PeerPowers = ({
  member,
  name,
  onGone,
}: {
  readonly member: SwarmMember;
  readonly name: string;
  readonly onGone: () => void;
}) => {
  const { busy, run } = useAdminister();
  const [removing, setRemoving] = useState(false);
  const { powers } = member;
  const { account } = member.who;
  if (!powers.remove && powers.grant.length === 0 && powers.withdraw.length === 0) return null;
  return (
    <section className="powers" aria-labelledby="powers-title">
      <h3 id="powers-title">In this swarm</h3>
      {removing ? (
        <RemoveForm
          name={name}
          busy={busy}
          onCancel={() => setRemoving(false)}
          onRemove={async (reason) => {
            const undo = { t: 'readmit', account } as const;
            if (await run({ t: 'remove', account, reason }, `${name} was removed.`, undo)) onGone();
          }}
        />
      ) : (
        <div className="bar">
          {powers.grant.map((role) => (
            <Button
              key={role}
              disabled={busy}
              onClick={() =>
                void run({ t: 'grant', account, role }, `${name} is ${roleInWords[role]} now.`, {
                  t: 'withdraw',
                  account,
                  role,
                })
              }
            >
              Make {roleInWords[role]}
            </Button>
          ))}
          {powers.withdraw.map((role) => (
            <Button
              key={role}
              disabled={busy}
              onClick={() =>
                void run({ t: 'withdraw', account, role }, `${name} is ${roleInWords[role]} no more.`, {
                  t: 'grant',
                  account,
                  role,
                })
              }
            >
              End as {roleInWords[role]}
            </Button>
          ))}
          <span className="grow" />
          {powers.remove ? (
            <Button look="danger" disabled={busy} onClick={() => setRemoving(true)}>
              Remove…
            </Button>
          ) : null}
        </div>
      )}
    </section>
  );
};

/** A removal is for everybody to see, so it takes a reason and a second press. */
const RemoveForm = ({
  name,
  busy,
  onCancel,
  onRemove,
}: {
  readonly name: string;
  readonly busy: boolean;
  readonly onCancel: () => void;
  readonly onRemove: (reason: string) => Promise<void>;
}) => {
  const [reason, setReason] = useState('');
  const [error, setError] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim() === '') setError('Say why: it stands in the log, and the person removed reads it.');
    else void onRemove(reason.trim());
  };
  return (
    <form className="remove-form" onSubmit={submit}>
      <p className="quiet">
        All devices of this account leave the swarm and aren’t linked again until somebody lets them back in.
      </p>
      <Field
        label={`Why is ${name} removed?`}
        hint="Everybody in the swarm can read it, the person removed too."
        error={error}
      >
        {(ids) => (
          <TextInput
            {...ids}
            autoFocus
            autoComplete="off"
            maxLength={longestReason}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
              setError(undefined);
            }}
          />
        )}
      </Field>
      <div className="bar">
        <Button onClick={onCancel} disabled={busy}>
          Cancel
        </Button>
        <span className="grow" />
        <Button look="danger" submit disabled={busy}>
          Remove from swarm
        </Button>
      </div>
    </form>
  );
};
