import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type { LedgerState, OperationBodies, ReadOperation } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from './host.ts';
import type { Address } from './network.ts';
import { type Owner, openBody, signOperation } from './people.ts';

/** Something an owner wants once, whatever happens to its wallet. */
type Intent = {
  readonly name: string;
  readonly make: (
    attempt: number,
  ) =>
    | { kind: 'open'; body: OperationBodies['open'] }
    | { kind: 'transfer'; body: OperationBodies['transfer'] }
    | { kind: 'rotate'; body: OperationBodies['rotate'] };
};

/** What outlives a crash of the wallet, written before anything is sent (rule 5). */
type Kept = { intent: number; seq: number; attempt: number; signed: ReadOperation };

/** An honest owner's wallet: one intent after the other, each under one number for ever, sent again until it is final. */
export class Wallet {
  readonly #world: World;
  readonly #address: Address;
  readonly #owner: Owner;
  readonly #random: SeededRandom;
  readonly #stateNow: () => LedgerState;
  readonly #intents: readonly Intent[];
  #kept: Kept | undefined;
  #done = 0;

  constructor(
    world: World,
    given: {
      readonly address: Address;
      readonly owner: Owner;
      readonly payees: readonly Owner['id'][];
      readonly random: SeededRandom;
      readonly state: () => LedgerState;
    },
  ) {
    this.#world = world;
    this.#address = given.address;
    this.#owner = given.owner;
    this.#random = given.random;
    this.#stateNow = given.state;
    this.#intents = drawIntents(world, given.owner, given.payees, given.random);
    world.network.after(this.#random.between(0, 500), () => this.#tick());
  }

  get done(): boolean {
    return this.#done === this.#intents.length;
  }

  get left(): string | undefined {
    return this.#intents[this.#done]?.name;
  }

  get signer() {
    const { key } = accountOf(this.#stateNow(), this.#owner.id);
    const rotated = this.#world.scheme.signer(`${this.#owner.name}'s next device`);
    return key?.every((byte, i) => byte === rotated.publicKey[i]) ? rotated : this.#owner.device;
  }

  #tick(): void {
    if (this.done) return;
    this.#settle();
    if (!this.done) this.#send();
    this.#world.network.after(this.#random.between(250, 600), () => this.#tick());
  }

  /** Its number is taken: by what it signed under it, and by nothing else. */
  #settle(): void {
    const kept = this.#kept;
    if (!kept || accountOf(this.#stateNow(), this.#owner.id).seq < kept.seq) return;
    this.#kept = undefined;
    this.#done += 1;
  }

  #send(): void {
    const intent = this.#intents[this.#done];
    if (!intent) return;
    const { epoch } = this.#stateNow();
    const kept = this.#kept;
    const over = kept && kept.signed.operation.validUntil < epoch;
    if (!kept) this.#keep(intent, accountOf(this.#stateNow(), this.#owner.id).seq + 1, 0);
    else if (over || this.#random.chance(0.1)) this.#keep(intent, kept.seq, kept.attempt + 1);
    const { network, keepers } = this.#world;
    const operation = this.#kept?.signed;
    if (!operation) return;
    for (const to of keepers) network.send(this.#address, to, { t: 'operation', operation, from: 'owner' });
  }

  #keep(intent: Intent, seq: number, attempt: number): void {
    const { net, epoch } = this.#stateNow();
    const content = { net, account: this.#owner.id, seq, validUntil: epoch + this.#random.int(7) };
    const what = intent.make(attempt);
    const byRecovery = what.kind === 'rotate' && what.body.by === 'recovery';
    const signer = byRecovery ? this.#owner.recovery : this.signer;
    const signed = signOperation(signer, { ...content, ...what });
    this.#kept = { intent: this.#done, seq, attempt, signed };
  }
}

const drawIntents = (
  { plan, scheme }: World,
  owner: Owner,
  payees: readonly Owner['id'][],
  random: SeededRandom,
): readonly Intent[] => {
  const intents: Intent[] = [
    { name: `open ${owner.id}`, make: () => ({ kind: 'open', body: openBody(owner) }) },
  ];
  const rotates = random.chance(0.25) ? random.int(plan.intents) : -1;
  for (let count = 0; count < plan.intents; count++) {
    const to = random.pick(payees.filter((id) => id !== owner.id));
    const amount = 1 + random.int(1_000_000);
    const name = `${owner.name} pays ${count}`;
    if (count === rotates) {
      const { publicKey: key } = scheme.signer(`${owner.name}'s next device`);
      const by = random.chance(0.5) ? 'current' : 'recovery';
      intents.push({ name: `${owner.name} rotates`, make: () => ({ kind: 'rotate', body: { key, by } }) });
    }
    // Changed or not: the note differs, the intent is one.
    intents.push({
      name,
      make: (attempt) => ({ kind: 'transfer', body: { to, amount, memo: `${name}~${attempt}` } }),
    });
  }
  return intents;
};
