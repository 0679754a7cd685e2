// The stores of this machine that can trust the authority.
import type { JournalEntry, StoreKind } from '../../../schemas/trust.ts';
import { anchorFamily, linuxStore } from './linux.ts';
import type { Machine } from './machine.ts';
import { macosStore } from './macos.ts';
import { nssFolders, nssStore } from './nss.ts';
import type { TrustStore } from './store.ts';
import type { Handshake } from './told.ts';
import { windowsStore } from './windows.ts';

/** Those that are there, of these kinds, and those of the journal that are not found any more. */
export function storesFound(
  machine: Machine,
  kinds: readonly StoreKind[],
  handshake: Handshake,
  journal: readonly JournalEntry[],
): readonly TrustStore[] {
  const nss = nssFolders(machine);
  const forgotten = journal
    .filter(({ store, place }) => store === 'nss' && !nss.some(({ path }) => path === place))
    .map(({ place }) => place)
    .filter((place) => machine.list(place).includes('cert9.db'));
  const stores = [
    ...systemStores(machine, handshake),
    ...nss.map((folder) => nssStore(machine, folder)),
    ...[...new Set(forgotten)].map((path) => nssStore(machine, { path, name: 'a database of earlier' })),
  ];
  return stores.filter(({ kind }) => kinds.includes(kind));
}

function systemStores(machine: Machine, handshake: Handshake): readonly TrustStore[] {
  if (machine.platform === 'darwin') return [macosStore(machine)];
  if (machine.platform === 'win32') return [windowsStore(machine)];
  const family = machine.platform === 'linux' ? anchorFamily(machine) : undefined;
  return family === undefined ? [] : [linuxStore(machine, family, handshake)];
}
