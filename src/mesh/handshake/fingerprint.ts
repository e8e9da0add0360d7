import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';

/** "a=fingerprint:sha-256 AB:CD:…" (RFC 8122 §5). */
const fingerprintAttribute = /^\s*a=fingerprint/i;
const fingerprintLine = /^\s*a=fingerprint:(\S+) +(\S+) *$/i;
const sha256Fingerprint = /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/;

/**
 * The one certificate fingerprint that a session description names. Several differing ones would let a third party
 * smuggle its own certificate beside the signed one, so they are refused.
 */
export const fingerprintOfSdp = (sdp: string): Result<string, Fault<'fingerprint'>> => {
  const found = new Set<string>();
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (!fingerprintAttribute.test(line)) continue;
    // A line that only the browser can read would name a certificate that nobody compared.
    const [, algorithm, value] = fingerprintLine.exec(line) ?? [];
    if (algorithm === undefined || value === undefined)
      return err(fault('fingerprint', 'malformed certificate fingerprint'));
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
