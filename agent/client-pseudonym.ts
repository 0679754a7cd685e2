// Names for clients that tell origins one from another, and nothing else.
import { createHmac, randomBytes } from 'node:crypto';
import { remembered } from '../http/remembered.ts';

const maxRememberedClients = 1_024;
const pseudonymCharacters = 16;

/**
 * Gives each address a name: the same for as long as what this returns is kept, which is one run. The key is made here and
 * is never told, so that nobody can find the address by trying all there are.
 */
export function createClientPseudonym(): (address: string) => string {
  const key = randomBytes(32);
  return remembered(maxRememberedClients, (address) =>
    createHmac('sha256', key).update(address).digest('base64url').slice(0, pseudonymCharacters),
  );
}
