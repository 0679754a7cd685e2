// The local authority and the stores that trust it, in words for people.
import type { CaStatus, StoreReport, TrustProof } from '../../schemas/trust.ts';
import type { AuthorityFiles } from '../trust/authority-files.ts';

/** A line for each store that was to be changed, and beneath it what to do. */
export function changesInWords(stores: readonly StoreReport[]): string {
  return stores.length === 0 ? noStores : stores.map(changeInWords).join('\n');
}

export function deletedInWords({ folder }: AuthorityFiles): string {
  return `The authority in ${folder} is deleted.`;
}

export function statusInWords({ authority, stores, passed = [] }: CaStatus): string {
  if (authority.kind === 'none')
    return `There is no local authority in ${authority.folder}. \`edgehop ca install\` makes one, and lets this machine trust it.`;
  if (authority.kind === 'unusable') return authority.because;
  const { mode } = authority.key;
  const lines = [
    `certificate  ${authority.path}`,
    `name         ${authority.name}`,
    `SHA-256      ${authority.fingerprint}`,
    `valid until  ${authority.until.slice(0, 10)}${authority.expiresSoon ? `: ${renewal}` : ''}`,
    `key          ${authority.key.path}${mode === undefined ? '' : ` (mode ${mode})`}`,
    ...(stores.length === 0 ? [noStores] : stores.map(statusLine)),
    ...passed.map(
      ({ host, because, until }) =>
        `passed       ${host} until ${until.slice(0, 19)}Z: ${passedBecause[because]}. \`edgehop ca retry ${host}\` intercepts it again`,
    ),
  ];
  return lines.join('\n');
}

const passedBecause = {
  'client-rejects-certificate': 'clients do not take our certificate',
  'client-certificate-asked': "it asks for a certificate of the client's own",
} as const;

const renewal = 'soon. `edgehop ca uninstall --delete` and then `edgehop ca install` make a new one';

const noStores =
  'No store of trusted certificates was found here. Firefox, and Chromium on Linux, make theirs at their first start.';

function changeInWords({ name, place, change, problem, proof }: StoreReport): string {
  const store = `${name} (${place})`;
  if (problem !== undefined)
    return `${problem.kind === 'not-needed' ? 'SKIP' : 'FAIL'}  ${store}: ${problem.because}${problem.advice === undefined ? '' : `\n      ${problem.advice}`}`;
  if (proof !== undefined)
    return `${label(proof)}  ${store}: ${change === 'added' ? 'added' : 'was there'}, ${proved(proof)}`;
  return `PASS  ${store}: ${change === 'removed' ? 'removed' : 'holds nothing of ours'}`;
}

function statusLine({ name, place, proof }: StoreReport): string {
  return proof === undefined ? `${name} (${place})` : `${label(proof)}  ${name} (${place}): ${proved(proof)}`;
}

/** What was not proved by a handshake has not passed. */
function label({ result, by }: TrustProof): string {
  if (result === 'not-trusted') return 'FAIL';
  return result === 'trusted' && by === 'tls-handshake' ? 'PASS' : 'SKIP';
}

function proved({ result, by, program, because }: TrustProof): string {
  const reason = because === undefined ? '' : ` (${because})`;
  if (result === 'unknown') return `not proved${reason}`;
  if (by === 'certutil')
    return result === 'trusted'
      ? `${program} takes it; no TLS handshake was made, for there is no tstclnt here`
      : `${program} does not take it${reason}`;
  return result === 'trusted'
    ? `proved by a TLS handshake of ${program}`
    : `refused in a TLS handshake of ${program}${reason}`;
}
