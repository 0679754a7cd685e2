// This machine in a few words: address and MAC of the card that it speaks to the network with.
import type { PhysicalCard } from '../machine/network-card.ts';

/** For people. */
export function cardInWords(card: PhysicalCard): string {
  if (card.kind === 'none') return `no network card found: ${card.because}`;
  const address = card.address === undefined ? 'no address' : card.address;
  const kind = card.physical ? 'physical' : `not physical: ${card.reason}`;
  return `${address}, MAC ${card.mac} (${card.name}, ${kind})`;
}
