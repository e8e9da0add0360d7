import { type Bytes, toBase64url } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { checkCertificate, faultsOf, quorumOf } from '../../ledger/certificate.ts';
import { contradict, forkProofBytes } from '../../ledger/replica/forkProof.ts';
import type { CertifiedBlock, Keeper, LedgerState } from '../../ledger/types.ts';
import type { ExplorerItem, Verification } from '../ledgerView.ts';
import type { FoundFork } from './forks.ts';
import { jsonOf } from './jsonOf.ts';
import { counted } from './words.ts';

/** For strangers; as JSON with what people want to read beside the bytes that prove it. */
export const exportFork = ({ proof, fork, keepers }: FoundFork, format: 'json' | 'cbor'): Blob => {
  if (format === 'cbor') return new Blob([forkProofBytes(proof)], { type: 'application/cbor' });
  const side = (bytes: Bytes, certified: CertifiedBlock, of: readonly Keeper[]) => {
    const { id, header } = certified.block;
    const { round } = certified.certificate;
    const signedBy = signersOf(certified, of).map(({ name }) => name);
    return {
      height: header.height,
      id,
      previous: header.previous,
      round,
      signedBy,
      bytes: toBase64url(bytes),
    };
  };
  const value = {
    v: 1,
    what: 'fork',
    ledger: fork.first.block.header.net,
    height: fork.height,
    first: side(proof.ours, fork.first, keepers.first),
    second: side(proof.theirs, fork.second, keepers.second),
  };
  return new Blob([jsonOf(value, 2)], { type: 'application/json' });
};

/** Keepers whose signatures stand under a block; whether they hold is for `verifyFork`. */
const signersOf = ({ certificate }: CertifiedBlock, keepers: readonly Keeper[]): readonly Keeper[] =>
  certificate.precommits.flatMap(({ voter }) => keepers[voter] ?? []);

const namesOf = (keepers: readonly Keeper[]): string =>
  keepers.length === 0 ? 'nobody this browser knows' : keepers.map(({ name }) => name).join(', ');

/** Those under both, by their keys: seats may have changed between two heights. */
const signersOfBoth = ({ fork, keepers }: FoundFork): readonly Keeper[] => {
  const keys = new Set(signersOf(fork.second, keepers.second).map(({ key }) => toBase64url(key)));
  return signersOf(fork.first, keepers.first).filter(({ key }) => keys.has(toBase64url(key)));
};

/**
 * Whether each who signed both lied for certain: two precommits of one round, or a keeper that is alone. Over two rounds an
 * honest one may have changed its vote, because others showed it a quorum that lied (Tendermint, arXiv:1807.04938, line 36).
 */
const isCertain = ({ fork: { first, second }, keepers }: FoundFork): boolean =>
  keepers.first.length === 1 ||
  (first.block.header.height === second.block.header.height &&
    first.certificate.round === second.certificate.round);

export const describeFork = (found: FoundFork): ExplorerItem => {
  const { id, fork, keepers, from } = found;
  const { height, first, second } = fork;
  const isNext = second.block.header.height > height;
  const both = namesOf(signersOfBoth(found));
  const liars = faultsOf(keepers.first.length) + 1;
  return {
    id,
    kind: 'fork',
    title: `Two histories at block ${height}`,
    advice: adviceOf(found),
    facts: [
      {
        term: 'Contradiction',
        value: isNext
          ? `block ${height + 1} follows another block ${height} than the one that was certified`
          : `two blocks of height ${height} were certified`,
      },
      isCertain(found)
        ? { term: 'Contradicted themselves', value: both }
        : {
            term: 'Signed both',
            value: `${both}. At least ${liars} of ${keepers.first.length} keepers broke the rules; the two blocks alone don’t tell which of these.`,
          },
      { term: 'Comes from', value: from === 'here' ? 'this browser, which found it itself' : 'a file' },
      { term: 'Ledger', value: first.block.header.net },
    ],
    sides: [
      {
        title: from === 'here' ? 'The block this browser had' : 'First block',
        facts: sideFacts(first, keepers.first),
      },
      {
        title: from === 'here' ? 'The other block' : 'Second block',
        facts: sideFacts(second, keepers.second),
      },
    ],
    parts: [],
  };
};

const adviceOf = ({ fork: { height }, from }: FoundFork): string => {
  const ledger = from === 'here' ? 'Accept' : 'If it holds here, accept';
  return `${ledger} no payment in this ledger, and give the proof to everybody who uses it, so that together they open a new one from ${height === 1 ? 'its beginning' : `block ${height - 1}`}, the last that both histories share.`;
};

const sideFacts = (certified: CertifiedBlock, keepers: readonly Keeper[]): ExplorerItem['facts'] => {
  const { id, header } = certified.block;
  return [
    { term: 'Height', value: String(header.height) },
    { term: 'Id', value: id },
    { term: 'Follows', value: header.previous },
    {
      term: 'Holds',
      value:
        header.kind === 'epoch'
          ? `the end of epoch ${header.epoch}`
          : counted(header.operations, 'operation'),
    },
    { term: 'Made by', value: keepers[header.creator]?.name ?? `keeper ${header.creator + 1}` },
    { term: 'Made at', value: new Date(header.time).toISOString() },
    {
      term: 'Signed by',
      value: `${namesOf(signersOf(certified, keepers))}, in round ${certified.certificate.round}`,
    },
  ];
};

/** Both certificates again, from the exact bytes, by the keepers that follow from the genesis this browser pinned. */
export const verifyFork = async (
  { fork, keepers }: FoundFork,
  {
    crypto,
    state,
  }: { readonly crypto: Pick<CryptoPort, 'verify'>; readonly state: () => LedgerState | undefined },
): Promise<Verification> => {
  const { first, second } = fork;
  const present = state();
  const net = first.block.header.net;
  const certificateStep = async (which: string, certified: CertifiedBlock, of: readonly Keeper[]) => {
    const checked = await checkCertificate(certified, of, crypto);
    const known = present?.position.height ?? 0;
    const isBeyond = fork.height > known + 1;
    const beyond = isBeyond ? ` (this browser knows who they are up to block ${known + 1})` : '';
    return {
      what: `${quorumOf(of.length)} of ${of.length} keepers signed the ${which} block in one round`,
      holds: checked.ok,
      detail: `${checked.ok ? namesOf(signersOf(certified, of)) : checked.error.message}${beyond}`,
    };
  };
  const steps = [
    {
      what: 'Both are blocks of the ledger this browser knows',
      holds: present?.net === net && second.block.header.net === net,
      detail: present && present.net !== net ? `they are of ${net}, this is ${present.net}` : net,
    },
    await certificateStep('first', first, keepers.first),
    await certificateStep('second', second, keepers.second),
    {
      what: 'No honest quorum can have signed both',
      holds: contradict(first.block, second.block),
      detail:
        first.block.header.height === second.block.header.height
          ? `two ids at height ${fork.height}`
          : `the second follows ${second.block.header.previous}`,
    },
  ];
  return { steps, holds: steps.every(({ holds }) => holds) };
};
