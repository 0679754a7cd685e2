// What every store of trusted certificates can do: list those of ours, take one in, give one up, and be proved.
import type { StoreKind, StoreProblem, TrustProof } from '../../../schemas/trust.ts';

export interface TrustStore {
  readonly kind: StoreKind;
  /** A folder or keychain; with the kind it names the store. */
  readonly place: string;
  /** Whose it is, for people. */
  readonly name: string;
  /** The names of the certificates of ours that it holds, whichever authority they are of. */
  ours(): Promise<Listed>;
  add(certificate: OwnCertificate): Promise<Changed>;
  /** Takes those of these names away, and what a change that broke off has left. What is not there is no failure. */
  remove(names: readonly string[]): Promise<Changed>;
  /** Whether what reads this store takes a server for `localhost` whose certificate the authority has signed. */
  prove(certificate: OwnCertificate, serverPort: number): Promise<TrustProof>;
}

export interface OwnCertificate {
  /** Its common name, which no other certificate has. */
  readonly name: string;
  readonly pem: string;
  /** The file that holds it. */
  readonly path: string;
}

export type Listed = { readonly kind: 'listed'; readonly names: readonly string[] } | StoreProblem;

export type Changed = { readonly kind: 'done' } | StoreProblem;

/** The common name of a certificate that an edgehop has made for itself. */
export const ownName = /edgehop local CA [0-9a-f]{8}/;

/** Whether this is such a name and nothing else. */
export function isOwnName(text: string): boolean {
  return ownName.exec(text)?.[0] === text;
}
