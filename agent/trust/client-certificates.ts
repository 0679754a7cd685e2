// Finds out which servers ask for a certificate of the client's own: nobody but the client can show it, so they are passed through.
import type { Socket } from 'node:net';
import { withoutBrackets } from '../../http/authority.ts';
import type { ErrorType } from '../../schemas/error.ts';
import type { Clock, Trace } from '../proxy/ports.ts';
import type { Connect } from '../upstream/connect.ts';
import type { PassedThrough } from './passed-through.ts';

export interface ClientCertificatesPorts {
  readonly clock: Clock;
  /** Without HTTP/2; to addresses that are judged. */
  readonly connect: Connect;
  readonly passedThrough: Pick<PassedThrough, 'add'>;
  readonly say: (sentence: string) => void;
}

/** What such a server does to a client without one, as far as it is told: neither edge nor parser sees the alert. */
const suspicious: ReadonlySet<ErrorType> = new Set<ErrorType>(['connection_terminated', 'tls_protocol_error']);

/** A server is asked again after this time at the earliest. */
const restMs = 60_000;
const maxHosts = 1_000;
/** How long its alert may take after the handshake. RFC 8446 4.4.2.4: it comes as soon as there was no certificate. */
const alertWaitMs = 2_000;

/** To be told of each finished record. It looks into it off the path. */
export function createClientCertificates(ports: ClientCertificatesPorts): (trace: Trace) => void {
  const { clock, connect, passedThrough, say } = ports;
  const asked = new Map<string, number>();
  return ({ connection, failure, response, stamps }) => {
    const { intercepted } = connection;
    const hasAnswered = stamps['response-received'] !== undefined && response?.status !== failure?.error.status;
    if (intercepted === undefined || failure === undefined || hasAnswered) return;
    if (!suspicious.has(failure.error.type)) return;
    const { host, port } = intercepted;
    const authority = `${host}:${port}`;
    if (clock.now() - (asked.get(authority) ?? Number.NEGATIVE_INFINITY) < restMs) return;
    asked.delete(authority);
    asked.set(authority, clock.now());
    if (asked.size > maxHosts) asked.delete(asked.keys().next().value as string);
    void asks(connect, withoutBrackets(host), port).then((does) => {
      if (!does) return;
      passedThrough.add(host, 'client-certificate-asked');
      say(`${host} is passed through for a while: it asks for a certificate of the client's own`);
    });
  };
}

async function asks(connect: Connect, host: string, port: number): Promise<boolean> {
  const connecting = await connect({ scheme: 'https', host, port });
  if (connecting.kind === 'failed') return isAlert(connecting.error.cause);
  const { socket, cut } = connecting.connected;
  const does = isAlert(await brokenBy(socket));
  cut();
  return does;
}

function brokenBy(socket: Socket): Promise<unknown> {
  if (socket.errored !== null) return Promise.resolve(socket.errored);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), alertWaitMs);
    const over = (cause?: unknown) => {
      clearTimeout(timer);
      resolve(cause);
    };
    socket.once('error', over).once('close', () => over(socket.errored ?? undefined));
    socket.resume();
  });
}

/** TLS 1.3 has an alert of its own for it; before, a handshake failure may mean other things that the client does better, too. */
function isAlert(cause: unknown): boolean {
  return /ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE)$/.test(
    (cause as NodeJS.ErrnoException | undefined)?.code ?? '',
  );
}
