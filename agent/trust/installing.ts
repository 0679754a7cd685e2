// Puts the authority's certificate into stores, takes it out again, and says which trust it: one store's failure stops no other.
import type { StoreReport, TrustProof } from '../../schemas/trust.ts';
import type { Journal } from './journal.ts';
import type { OwnCertificate, TrustStore } from './stores/store.ts';

/** Installs in each store that does not trust it already, and proves each. The journal is written before a store is touched. */
export async function installIn(
  stores: readonly TrustStore[],
  certificate: OwnCertificate,
  serverPort: number,
  journal: Journal,
): Promise<readonly StoreReport[]> {
  return each(stores, async (store) => {
    const listed = await store.ours();
    const isThere = listed.kind === 'listed' && listed.names.includes(certificate.name);
    const before = isThere ? await store.prove(certificate, serverPort) : undefined;
    if (before?.result === 'trusted') return { change: 'was-there', proof: before };
    journal.add({ store: store.kind, place: store.place, name: certificate.name });
    const added = await store.add(certificate);
    if (added.kind !== 'done') return { change: 'none', problem: added };
    return { change: 'added', proof: await store.prove(certificate, serverPort) };
  });
}

/** Takes every certificate of ours out of each store, older ones and those of the journal too. */
export async function uninstallFrom(stores: readonly TrustStore[], journal: Journal): Promise<readonly StoreReport[]> {
  return each(stores, async (store) => {
    const journalled = journal.list().filter((entry) => entry.store === store.kind && entry.place === store.place);
    const listed = await store.ours();
    if (listed.kind !== 'listed') return { change: 'none', problem: listed };
    const names = [...new Set([...listed.names, ...journalled.map(({ name }) => name)])];
    if (names.length === 0) return { change: 'was-not-there' };
    for (const name of names) journal.add({ store: store.kind, place: store.place, name });
    const removed = await store.remove(names);
    if (removed.kind !== 'done') return { change: 'none', problem: removed };
    journal.strike(store.kind, store.place, names);
    return { change: listed.names.length === 0 ? 'was-not-there' : 'removed' };
  });
}

/** What each store makes of the certificate. */
export async function statusOf(
  stores: readonly TrustStore[],
  certificate: OwnCertificate,
  serverPort: number,
): Promise<readonly StoreReport[]> {
  return each(stores, async (store) => ({ proof: await proofOf(store, certificate, serverPort) }));
}

/** A store whose list cannot be read may be proved nevertheless. */
async function proofOf(store: TrustStore, certificate: OwnCertificate, serverPort: number): Promise<TrustProof> {
  const listed = await store.ours();
  const proof = await store.prove(certificate, serverPort);
  if (listed.kind === 'listed' || proof.result !== 'unknown') return proof;
  return { ...proof, because: listed.because };
}

/** One after the other: some of them ask the person. */
async function each(
  stores: readonly TrustStore[],
  act: (store: TrustStore) => Promise<Omit<StoreReport, 'store' | 'place' | 'name'>>,
): Promise<readonly StoreReport[]> {
  const reports: StoreReport[] = [];
  for (const store of stores) {
    const outcome = await act(store);
    reports.push({ store: store.kind, place: store.place, name: store.name, ...outcome });
  }
  return reports;
}
