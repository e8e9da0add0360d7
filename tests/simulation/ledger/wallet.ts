import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type { LedgerState, ReadOperation } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from './host.ts';
import { drawIntents, type Intent } from './intents.ts';
import type { Address } from './network.ts';
import { type Owner, signOperation } from './people.ts';

type Kept = { intent: number; seq: number; attempt: number; signed: ReadOperation };

/** What outlives a crash of the wallet, written before anything is sent (rule 5). */
type Disk = { readonly done: number; readonly kept: Kept | undefined };

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
  #disk: Disk = { done: 0, kept: undefined };

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
    this.#intents = drawIntents({ world, ...given });
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
    const { network, plan } = this.#world;
    if (network.now < plan.healAt && this.#random.chance(5 * plan.crash)) this.#crash();
    const before = this.#done;
    this.#settle();
    const pause = this.#done > before ? plan.pauseMs : 0;
    if (!this.done && pause === 0) this.#send();
    network.after(pause + this.#random.between(300, 700), () => this.#tick());
  }

  #crash(): void {
    this.#done = this.#disk.done;
    this.#kept = this.#disk.kept;
  }

  #save(): void {
    this.#disk = { done: this.#done, kept: this.#kept };
  }

  /** Its number is taken: by what it signed under it, and by nothing else. */
  #settle(): void {
    const kept = this.#kept;
    if (!kept || accountOf(this.#stateNow(), this.#owner.id).seq < kept.seq) return;
    this.#kept = undefined;
    this.#done += 1;
    this.#save();
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
    const state = this.#stateNow();
    const { net, epoch } = state;
    const content = { net, account: this.#owner.id, seq, validUntil: epoch + this.#random.int(7) };
    const what = intent.make(attempt, state);
    const byRecovery = what.kind === 'rotate' && what.body.by === 'recovery';
    const signer = byRecovery ? this.#owner.recovery : this.signer;
    const signed = signOperation(signer, { ...content, ...what });
    this.#kept = { intent: this.#done, seq, attempt, signed };
    this.#save();
  }
}
