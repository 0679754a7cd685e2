// Finds out what an embedded edge could not say of a failure: from workerd's log, and by one connection of the agent's own.

import { setTimeout as sleep } from 'node:timers/promises';
import { withoutBrackets } from '../../http/authority.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { createConnect } from '../upstream/connect.ts';
import { createDial } from '../upstream/dial.ts';
import { noParents } from '../upstream/parents.ts';
import { type UpstreamErrorType, upstreamError } from '../upstream/upstream-error.ts';

export interface Diagnosis {
  /** Notes a line of workerd's log. */
  note(line: string): void;
  /** The error as exactly as this machine can tell it. */
  explain(error: ProxyError, reference: string | undefined, destination: Destination): Promise<ProxyError>;
}

export interface Destination {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** The address that was checked, if the name was looked up. */
  readonly address: string | undefined;
}

const maxLines = 256;
/** The log comes by another way than the reply and may be later. */
const logWaitMs = 250;
const probeTimeoutMs = 2_000;
const probe = createDial({ connectTimeoutMs: probeTimeoutMs, maxSocketBufferBytes: 1_024 }, noParents);

/** A diagnosis that remembers the newest references of workerd's log. */
export function createDiagnosis(): Diagnosis {
  const lines = new Map<string, string>();
  const lineOf = async (reference: string): Promise<string | undefined> => {
    for (let waitedMs = 0; waitedMs < logWaitMs && !lines.has(reference); waitedMs += 10) await sleep(10);
    return lines.get(reference);
  };
  let previous = '';
  return {
    note: (line) => {
      // The error is one line; the reference stands at the end of the next, after the stack.
      const reference = /wdErrId = ([a-z0-9]{1,64})/.exec(line)?.[1];
      if (reference !== undefined) {
        lines.set(reference, `${previous} ${line}`);
        if (lines.size > maxLines) lines.delete(lines.keys().next().value as string);
      }
      previous = line.slice(0, 2_000);
    },
    explain: async (error, reference, destination) => {
      if (reference !== undefined) {
        const line = await lineOf(reference);
        const type = line === undefined ? undefined : logged(line);
        if (type !== undefined)
          return upstreamError(type, error, type === 'destination_ip_prohibited' ? 403 : undefined);
        return error;
      }
      const isUnclear = error.type === 'destination_unavailable' || error.type === 'http_response_timeout';
      return isUnclear && destination.address !== undefined ? probed(error, destination, destination.address) : error;
    },
  };
}

/** What workerd's words mean. */
function logged(line: string): UpstreamErrorType | undefined {
  return meanings.find(([words]) => words.test(line))?.[1];
}

/** The first that fits holds. */
const meanings: readonly (readonly [RegExp, UpstreamErrorType])[] = [
  [/DNS lookup failed/, 'dns_error'],
  [/restrictPeers/, 'destination_ip_prohibited'],
  [/certificate|self.signed|hostname mismatch/i, 'tls_certificate_error'],
  [/OpenSSL|TLS|SSL/, 'tls_protocol_error'],
  [/transfer encoding/i, 'http_response_transfer_coding'],
  [/timed out|ETIMEDOUT/i, 'connection_timeout'],
  [/unreachable/i, 'destination_ip_unroutable'],
  [/header.*(too (large|long)|exceed)/i, 'http_response_header_section_size'],
  [/http\.c\+\+|protocolError/i, 'http_protocol_error'],
];

/** The embedded edge dials from this machine, so a connection from here meets what it met: of TLS, too, where it was silent. */
async function probed(error: ProxyError, destination: Destination, address: string): Promise<ProxyError> {
  const isSilent = error.type === 'http_response_timeout';
  const connect = createConnect({
    dial: probe,
    addresses: async () => ({ kind: 'resolved', addresses: [address] }),
    connectTimeoutMs: probeTimeoutMs,
    allowHttp2: false,
  });
  const host = withoutBrackets(destination.host);
  const connecting = await connect({ host, port: destination.port, scheme: isSilent ? 'http' : destination.scheme });
  if (connecting.kind === 'failed') return connecting.error;
  connecting.connected.cut();
  return isSilent ? error : upstreamError('connection_terminated', error);
}
