/** A replica of this process that checks everything: what a keeper says is believed in nothing. */
import type { Bytes } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { audit } from '../../src/ledger/audit.ts';
import { checkCertificate } from '../../src/ledger/certificate.ts';
import { fromGenesis } from '../../src/ledger/replica/openStored.ts';
import { createReplica } from '../../src/ledger/replica/replica.ts';
import { readFrames } from '../../src/ledger/replica/stage.ts';
import type { Genesis, LedgerState } from '../../src/ledger/types.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import { openBlocks } from './blocks.ts';

/** Block by block: certificate, all signatures, all rules, and all money counted entry by entry. Throws at what is wrong. */
export const createAuditor = (
  genesis: Genesis,
): { readonly state: LedgerState; take(bytes: Bytes): Promise<void> } => {
  const crypto = createNodeCrypto();
  const replica = createReplica(fromGenesis(genesis), { crypto });
  return {
    get state() {
      return replica.state;
    },
    async take(bytes) {
      const frames = unwrap(readFrames([bytes]));
      for (const { certified } of frames)
        unwrap(await checkCertificate(certified, replica.state.keepers, crypto));
      unwrap(await replica.take(frames));
      unwrap(audit(replica.state));
    },
  };
};

/** All of a keeper's log, up to a height at least. */
export const replayAll = async (url: string, genesis: Genesis, height: number): Promise<LedgerState> => {
  const auditor = createAuditor(genesis);
  const source = await openBlocks(url);
  try {
    while (auditor.state.position.height < height) {
      const after = auditor.state.position.height;
      const blocks = await source.after(after);
      if (blocks.length === 0) throw new Error(`the keeper has no block after ${after}`);
      for (const bytes of blocks) await auditor.take(bytes);
    }
  } finally {
    source.close();
  }
  return auditor.state;
};
