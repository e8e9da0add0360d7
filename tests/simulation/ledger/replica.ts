import { applyBlock } from '../../../src/ledger/apply.ts';
import { checkCertificate } from '../../../src/ledger/certificate.ts';
import { checkSignatures } from '../../../src/ledger/signatures.ts';
import type { CertifiedBlock, LedgerState } from '../../../src/ledger/types.ts';
import type { World } from './host.ts';
import type { Address, Packet } from './network.ts';

/** A tab's view of the log: it checks everything itself, and answers others who ask. */
export class Replica {
  readonly blocks: CertifiedBlock[] = [];
  state: LedgerState;
  readonly #world: World;
  readonly #address: Address;

  constructor(address: Address, world: World) {
    this.#address = address;
    this.#world = world;
    this.state = world.genesis;
    world.network.attach(address, (from, packet) => this.receive(from, packet));
    this.#poll();
  }

  async receive(from: Address, packet: Packet): Promise<void> {
    const { network } = this.#world;
    if (packet.t === 'certified') return this.#take(packet.certified);
    if (packet.t !== 'get') return;
    for (const certified of this.blocks.slice(packet.after, packet.after + 8))
      network.send(this.#address, from, { t: 'certified', certified });
  }

  async #take(certified: CertifiedBlock): Promise<void> {
    const { scheme, referee, network } = this.#world;
    const { state } = this;
    const { block } = certified;
    if (block.header.height !== state.position.height + 1) return;
    const agreed = await checkCertificate(certified, state.keepers, scheme.port);
    if (!agreed.ok) return;
    const signed = await checkSignatures(state, block.operations, scheme.port);
    if (!signed.ok) return referee.blame(`the replica got a final block: ${signed.error.message}`);
    const applied = applyBlock(state, block);
    if (!applied.ok) return referee.blame(`the replica got a final block: ${applied.error.message}`);
    if (this.state !== state) return;
    this.state = applied.value.state;
    this.blocks.push(certified);
    referee.final('the replica', certified, this.state, network.now);
  }

  #poll(): void {
    const { network, keepers } = this.#world;
    for (const to of keepers) network.send(this.#address, to, { t: 'get', after: this.blocks.length });
    network.after(700, () => this.#poll());
  }
}
