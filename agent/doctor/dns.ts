// Whether the name servers of this machine answer at all.
import type { ProxyError } from '../../http/proxy-error.ts';
import { type Check, fail, pass, skip } from './check.ts';
import { fragment } from './fragment.ts';

export interface DnsPorts {
  readonly lookup: (
    host: string,
  ) => Promise<
    | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
    | { readonly kind: 'failed'; readonly error: ProxyError }
  >;
  /** The parent proxy that looks up the names of what is asked for by http or https, where one does. */
  readonly parent: string | undefined;
}

export function dnsCheck({ lookup, parent }: DnsPorts): Check {
  return {
    name: 'dns',
    deadlineMs: 6_000,
    run: async () => {
      const answer = await lookup(known);
      if (answer.kind === 'resolved')
        return [pass('dns', `${known} is ${answer.addresses[0]}${answer.addresses.length > 1 ? ' and others' : ''}`)];
      const because = `${known} is not resolved: ${said(answer.error)}`;
      if (parent !== undefined) return [skip('dns', `${because}; the parent proxy ${parent} looks names up`)];
      return [
        fail(
          'dns',
          because,
          'Check the network connection and the DNS settings of this machine; without names only addresses are reached',
        ),
      ];
    },
  };
}

/** Reserved (RFC 2606 3), and there as long as anything is. */
const known = 'example.com';

function said({ message, cause }: ProxyError): string {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  const sentence = fragment(message);
  return code === undefined ? sentence : `${sentence} (${code})`;
}
