/** A replica of this process that takes all of the log and checks all of it: what a keeper says is believed in nothing. */
import { unwrap } from '../../src/core/result.ts';
import { audit } from '../../src/ledger/audit.ts';
import { checkCertificate } from '../../src/ledger/certificate.ts';
import { fromGenesis } from '../../src/ledger/replica/openStored.ts';
import { createReplica } from '../../src/ledger/replica/replica.ts';
import { readFrames } from '../../src/ledger/replica/stage.ts';
import type { Genesis, LedgerState } from '../../src/ledger/types.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import { openBlocks } from './blocks.ts';

export const replayAll = async (url: string, genesis: Genesis, height: number): Promise<LedgerState> => {
  const crypto = createNodeCrypto();
  const replica = createReplica(fromGenesis(genesis), { crypto });
  const source = await openBlocks(url);
  try {
    while (replica.state.position.height < height) {
      const blocks = await source.after(replica.state.position.height);
      if (blocks.length === 0)
        throw new Error(`the keeper has no block after ${replica.state.position.height}`);
      for (const bytes of blocks) {
        const frames = unwrap(readFrames([bytes]));
        for (const { certified } of frames)
          unwrap(await checkCertificate(certified, replica.state.keepers, crypto));
        unwrap(await replica.take(frames));
        unwrap(audit(replica.state));
      }
    }
  } finally {
    source.close();
  }
  return replica.state;
};
