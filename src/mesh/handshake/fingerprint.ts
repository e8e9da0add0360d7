import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';

/** "sha-256 AB:CD:…" lines of a session description (RFC 8122 §5). */
const fingerprintLine = /^a=fingerprint:(\S+)\s+(\S+)\s*$/gim;
const sha256Fingerprint = /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/;

/**
 * The one certificate fingerprint that a session description names. Several differing ones would let a third party
 * smuggle its own certificate beside the signed one, so they are refused.
 */
export const fingerprintOfSdp = (sdp: string): Result<string, Fault<'fingerprint'>> => {
  const found = new Set<string>();
  for (const [, algorithm = '', value = ''] of sdp.matchAll(fingerprintLine)) {
    if (algorithm.toLowerCase() !== 'sha-256') {
      return err(fault('fingerprint', `certificate fingerprint by ${algorithm}, only sha-256 is accepted`));
    }
    found.add(value.toUpperCase());
  }
  const [only, ...others] = found;
  if (only === undefined)
    return err(fault('fingerprint', 'session description without a certificate fingerprint'));
  if (others.length > 0) {
    return err(
      fault('fingerprint', `session description with ${found.size} differing certificate fingerprints`),
    );
  }
  if (!sha256Fingerprint.test(only))
    return err(fault('fingerprint', 'certificate fingerprint is not a SHA-256'));
  return ok(only);
};
