// What the schema cannot see in the sections on access: ranges that are none, hashes that cannot be verified, names that stand twice.
import { canonicalRange } from '../../http/address.ts';
import type { Config } from '../../schemas/config.ts';
import { parseHash } from '../access/password-hash.ts';

export interface AccessMistake {
  readonly path: readonly (string | number)[];
  /** A fragment without its full stop. */
  readonly message: string;
}

/** The same that stops the start in `agent/access/`, with its place in the file. */
export function accessMistakes({ admit: { clients, credentials } }: Pick<Config, 'admit'>): readonly AccessMistake[] {
  const ranges = (['allow', 'deny'] as const).flatMap((key) =>
    clients[key].flatMap((text, index) =>
      canonicalRange(text) === undefined
        ? [{ path: ['admit', 'clients', key, index], message: rangeMessage(text) }]
        : [],
    ),
  );
  const names = credentials.map(({ name }) => name.normalize('NFC'));
  const users = credentials.flatMap(({ hash }, index) => [
    ...(parseHash(hash) === undefined
      ? [
          {
            path: ['admit', 'credentials', index, 'hash'],
            message: 'this cannot be verified: make it with `edgehop config credential NAME`',
          },
        ]
      : []),
    ...(names.indexOf(names[index] as string) < index
      ? [{ path: ['admit', 'credentials', index, 'name'], message: 'this user stands twice: remove one of them' }]
      : []),
  ]);
  return [...ranges, ...users];
}

function rangeMessage(text: string): string {
  const [address = '', bits = '', ...more] = text.split('/');
  const isPrefix = /^\d{1,3}$/.test(bits) && Number(bits) <= (address.includes(':') ? 128 : 32) && more.length === 0;
  const hasHostBits = isPrefix && canonicalRange(address) !== undefined;
  return hasHostBits
    ? 'a CIDR range begins with the address of its network, such as 192.0.2.0/24: the bits behind its prefix are 0'
    : 'this is neither an address such as 192.0.2.7, nor a CIDR range such as 192.0.2.0/24 or 2001:db8::/32';
}
