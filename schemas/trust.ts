// The local authority as verbs print it, and the journal of what was done to the stores that trust it.
import * as z from 'zod';
import { interception } from './intercept-admin.ts';

/** Kinds of stores. `nss` is that of Firefox, and of Chromium on Linux. */
export const storeKinds = ['system', 'nss'] as const;

export type StoreKind = (typeof storeKinds)[number];

/** How it was found out whether a store trusts the authority. */
export const trustProof = z.strictObject({
  result: z.enum(['trusted', 'not-trusted', 'unknown']),
  /** `tls-handshake`: with a server on loopback, by what reads this store. `certutil`: it judged the certificate, nothing more. */
  by: z.enum(['tls-handshake', 'certutil']).optional(),
  /** The program that asked. */
  program: z.string().optional(),
  because: z.string().optional(),
});

export type TrustProof = z.infer<typeof trustProof>;

/** What keeps a store from being read or changed. */
export const storeProblem = z.strictObject({
  /** `not-needed`: the store's programs take what the system trusts. */
  kind: z.enum(['needs-root', 'tool-missing', 'not-needed', 'failed']),
  because: z.string(),
  /** The command, or the sentence, that helps. */
  advice: z.string().optional(),
});

export type StoreProblem = z.infer<typeof storeProblem>;

export const storeReport = z.strictObject({
  store: z.enum(storeKinds),
  /** A folder or keychain. */
  place: z.string(),
  /** Whose it is, for people. */
  name: z.string(),
  /** What the verb did. Absent where it only looked. */
  change: z.enum(['added', 'was-there', 'removed', 'was-not-there', 'none']).optional(),
  problem: storeProblem.optional(),
  proof: trustProof.optional(),
});

export type StoreReport = z.infer<typeof storeReport>;

/** `edgehop ca install | uninstall --json`. */
export const storeReports = z.strictObject({ stores: z.array(storeReport) });

/** `edgehop ca status --json`. */
export const caStatus = z.strictObject({
  authority: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none'), folder: z.string() }),
    z.strictObject({ kind: z.literal('unusable'), folder: z.string(), because: z.string() }),
    z.strictObject({
      kind: z.literal('there'),
      path: z.string(),
      name: z.string(),
      /** SHA-256 of the certificate, in pairs parted by colons. */
      fingerprint: z.string(),
      /** ISO 8601. */
      until: z.string(),
      expiresSoon: z.boolean(),
      key: z.strictObject({ path: z.string(), mode: z.string().optional() }),
    }),
  ]),
  stores: z.array(storeReport),
  /** Hosts that the running agent passes through for a while; absent where none runs. */
  passed: interception.shape.passed.optional(),
});

export type CaStatus = z.infer<typeof caStatus>;

/** What a change was about to touch, written before it, and struck out when the store is again as it was. */
export const trustJournal = z.strictObject({
  version: z.literal(1),
  entries: z.array(
    z.strictObject({
      store: z.enum(storeKinds),
      place: z.string(),
      /** The certificate's common name. */
      name: z.string(),
    }),
  ),
});

export type JournalEntry = z.infer<typeof trustJournal>['entries'][number];

/** `edgehop env --json`. */
export const environment = z.record(z.string(), z.string());
