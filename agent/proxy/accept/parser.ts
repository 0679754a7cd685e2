// What Node's HTTP parser tells whoever fills places that are not documented. Without them all goes Node's own way.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface Parser {
  [event: number]: unknown;
  readonly constructor: { readonly kOnMessageBegin?: number; readonly kOnHeadersComplete?: number };
  /** Whose octets it parses: parsers are used again. */
  readonly socket?: Socket | null;
  /** The message whose content it still hands over. */
  readonly incoming?: IncomingMessage | null;
}

/** The parser of a connection that Node's own listener has taken. */
export function parserOf(socket: Socket): Parser | undefined {
  return (socket as Socket & { readonly parser?: Parser | null }).parser ?? undefined;
}
