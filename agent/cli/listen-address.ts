// Where a verb listens: a port of this machine's loopback, as a person writes it.
import { parseHost } from '../../http/authority.ts';

export type ListenAddress =
  | { readonly kind: 'address' /** Without brackets. */; readonly host: string; readonly port: number }
  | { readonly kind: 'wrong' /** A sentence. */; readonly because: string };

/** Reads `PORT`, `HOST:PORT` or `[::1]:PORT`; port 0 lets the system choose, and without a host it is 127.0.0.1. */
export function parseListenAddress(text: string): ListenAddress {
  const [, named, digits] = /^(?:(\[[^[\]]*\]|[^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  if (digits === undefined) return wrong(`"${text}" is no PORT, HOST:PORT or [::1]:PORT.`);
  if (Number(digits) > 65535) return wrong('A port is a number from 0 to 65535.');
  const host = named === undefined ? '127.0.0.1' : loopback(named);
  if (host === undefined) {
    return wrong(
      `This listens on loopback addresses only, and "${named}" is none: on any other everyone on the network could use it.`,
    );
  }
  return { kind: 'address', host, port: Number(digits) };
}

/** The address that is listened on, where a host means loopback. */
function loopback(named: string): string | undefined {
  const parsed = parseHost(named);
  if (parsed.kind === 'malformed') return undefined;
  if (parsed.host === 'localhost') return '127.0.0.1';
  if (parsed.host === '[::1]') return '::1';
  return /^127(\.\d+){3}$/.test(parsed.host) ? parsed.host : undefined;
}

function wrong(because: string): ListenAddress {
  return { kind: 'wrong', because };
}
