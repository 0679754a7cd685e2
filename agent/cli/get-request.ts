// One GET on a connection of its own, through an HTTP proxy or directly, with the exact times of its octets.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Writable } from 'node:stream';
import { type Field, fieldsFromFlat } from '../../http/fields.ts';
import type { Clock } from '../clock.ts';
import { proxyAuthorization } from './running-agent.ts';
import { hostOfUrl } from './url-of.ts';

export interface GetRequest {
  readonly url: string;
  /** URL of the proxy; nothing asks the origin itself. */
  readonly proxy: string | undefined;
  readonly clock: Clock;
  /** Content is kept as text up to here. */
  readonly keepBytes: number;
  readonly output: Writable | undefined;
  /** Sent behind our own ones. */
  readonly fields?: readonly Field[];
  /** Breaks off once the head has come: the content is not wanted. */
  readonly headOnly?: boolean;
}

/** Times are wall-clock, in milliseconds since 1970. */
export interface Fetched {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly endedAt: number;
  readonly requestFields: Field[];
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: string;
  readonly fields: Field[];
  readonly octets: number;
  readonly text: string | undefined;
  readonly isCut: boolean;
  readonly localAddress: string;
  readonly localPort: number;
}

const idleTimeoutMs = 300_000;

/** Rejects when there is no response; content that is cut off is told in `isCut`. */
export function fetchOnce(asked: GetRequest): Promise<Fetched> {
  const { url, proxy, clock, keepBytes, output } = asked;
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const fields: Field[] = [
      ['Host', target.host],
      ['User-Agent', 'edgehop-get'],
      ['Accept', '*/*'],
      ...(asked.fields ?? []),
    ];
    const common = { agent: false, headers: fields.flat() as string[], setHost: false } as const;
    const request: ClientRequest =
      proxy === undefined
        ? (target.protocol === 'https:' ? httpsRequest : httpRequest)({
            ...common,
            ...addressOf(target),
            path: `${target.pathname}${target.search}`,
          })
        : httpRequest({ ...common, ...throughProxy(new URL(proxy), fields), path: url });
    let sentAt = clock.now();
    request.setTimeout(idleTimeoutMs, () => request.destroy(new Error('nothing came for too long')));
    // The request waits for the connection and is written the moment it stands.
    request.once('socket', (socket) =>
      socket.once(proxy === undefined && target.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        sentAt = clock.now();
      }),
    );
    request.once('error', reject);
    request.once('response', (response) => {
      request.off('error', reject).on('error', () => undefined); // from here on a reset is content that is cut
      const receivedAt = clock.now();
      const { localAddress = '', localPort = 0 } = response.socket;
      if (asked.headOnly === true) response.destroy();
      void received(response, keepBytes, output).then(({ octets, text, isCut }) =>
        resolve({
          sentAt: clock.wallTime(sentAt),
          receivedAt: clock.wallTime(receivedAt),
          endedAt: clock.wallTime(clock.now()),
          requestFields: fields,
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          httpVersion: response.httpVersion,
          fields: fieldsFromFlat(response.rawHeaders),
          octets,
          text,
          isCut,
          localAddress,
          localPort,
        }),
      );
    });
    request.end();
  });
}

function addressOf(url: URL): { readonly host: string; readonly port: string } {
  return { host: hostOfUrl(url), port: url.port };
}

/** What the proxy is shown is no field of the request, and is told to nobody else. */
function throughProxy(proxy: URL, fields: readonly Field[]) {
  const shown = proxyAuthorization(`${proxy.username}:${proxy.password}`);
  return { ...addressOf(proxy), headers: [...fields.flat(), ...Object.entries(shown).flat()] };
}

interface Received {
  readonly octets: number;
  readonly text: string | undefined;
  readonly isCut: boolean;
}

function received(response: IncomingMessage, keepBytes: number, output: Writable | undefined): Promise<Received> {
  return new Promise((resolve) => {
    const kept: Buffer[] = [];
    let octets = 0;
    response.on('data', (piece: Buffer) => {
      if (octets < keepBytes) kept.push(piece);
      octets += piece.length;
      if (output?.write(piece) === false) {
        response.pause();
        output.once('drain', () => response.resume());
      }
    });
    output?.once('error', () => response.destroy());
    response.on('error', () => undefined);
    response.once('close', () =>
      resolve({
        octets,
        text: octets <= keepBytes ? asText(Buffer.concat(kept), response) : undefined,
        isCut: !response.complete,
      }),
    );
  });
}

/** The content as text where its type says so, or where it has none and is UTF-8. */
function asText(content: Buffer, { headers }: IncomingMessage): string | undefined {
  const type = headers['content-type'];
  if (headers['content-encoding'] !== undefined) return undefined;
  if (type !== undefined && !/^text\/|[/+](json|xml|javascript|x-www-form-urlencoded)\b/i.test(type)) return undefined;
  const charset = /charset="?([^";\s]+)/i.exec(type ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: type === undefined }).decode(content);
  } catch {
    return undefined;
  }
}
