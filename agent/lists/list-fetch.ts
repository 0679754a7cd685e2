// Fetches a list of host names from its URL: every hop is judged, and no more comes than the list may have.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { hostFieldOf, originOf } from '../../http/authority.ts';
import { type Fields, fieldValues } from '../../http/fields.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Content, UpstreamAnswer, UpstreamClient, WalkLimits } from '../proxy/ports.ts';
import { tooLargeInWords } from './list-file.ts';

/** What a source said of the version that it gave. RFC 9110 8.8. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface ListRequest {
  readonly url: string;
  /** Of the copy that is there already. */
  readonly validators: Validators;
  /** Of the text, and of the octets that carry it. */
  readonly maxBytes: number;
  /** Calls before the first octet. */
  readonly begin: (validators: Validators) => Promise<void>;
  readonly write: (octets: Buffer) => Promise<void>;
  readonly signal: AbortSignal;
}

/** `because`: a fragment for people, such as `its source answered 404`. */
export type FetchedList =
  | { readonly kind: 'fetched' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly because: string };

export type ListFetch = (request: ListRequest) => Promise<FetchedList>;

export interface ListFetchPorts {
  /** Asks directly, at addresses that were checked. */
  readonly client: UpstreamClient;
  /** Judges the destination of each hop. */
  readonly judge: (destination: {
    readonly scheme: 'http' | 'https';
    readonly host: string;
    readonly port: number;
  }) => Judgement | Promise<Judgement>;
  readonly limits: Pick<WalkLimits, 'headDeadlineMs' | 'idleTimeoutMs' | 'maxHeadBytes'>;
}

export type Judgement = { readonly kind: 'admitted' } | { readonly kind: 'refused'; readonly error: ProxyError };

const maxRedirects = 5;

/** All of it, from the first hop to the last octet. */
const maxFetchMs = 15 * 60_000;

/** A fetch that leaves nothing open behind it. It never rejects. */
export function createListFetch(ports: ListFetchPorts): ListFetch {
  return async (request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(maxFetchMs)]);
    try {
      return await followed(ports, { ...request, signal });
    } catch (cause) {
      if (signal.aborted) return failed('it took too long');
      return failed(cause instanceof ProxyError ? inWords(cause) : 'its content is broken');
    }
  };
}

async function followed(ports: ListFetchPorts, request: ListRequest): Promise<FetchedList> {
  let url = new URL(request.url);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const destination = destinationOf(url);
    const judged = await ports.judge(destination);
    if (judged.kind === 'refused') return failed(inWords(judged.error));
    const answer = await ask(ports, url, destination, request);
    if (answer.kind === 'failed') return failed(inWords(answer.error));
    const next = redirectionOf(answer, url);
    if (next === undefined) return await taken(answer, request);
    answer.content.cancel();
    if (next === 'malformed') return failed('its source leads to something that is no http or https URL');
    if (url.protocol === 'https:' && next.protocol === 'http:') return failed('its source leads from https to http');
    url = next;
  }
  return failed(`its source leads on more than ${maxRedirects} times`);
}

type Destination = Parameters<ListFetchPorts['judge']>[0];

function destinationOf(url: URL): Destination {
  const origin = originOf(url);
  return { ...origin, host: origin.host.replace(/\.$/, '') };
}

function ask(
  { client, limits }: ListFetchPorts,
  { pathname, search }: URL,
  { scheme, host, port }: Destination,
  { validators, signal }: ListRequest,
): Promise<UpstreamAnswer> {
  const hostField = hostFieldOf(scheme, host, port);
  const fields: Fields = [
    ['Host', hostField],
    ['User-Agent', 'edgehop'],
    ['Accept', 'text/plain, */*;q=0.5'],
    ['Accept-Encoding', 'gzip'],
    ...(validators.etag === undefined ? [] : [['If-None-Match', validators.etag] as const]),
    ...(validators.lastModified === undefined ? [] : [['If-Modified-Since', validators.lastModified] as const]),
  ];
  return client.send({
    origin: `${scheme}://${hostField}`,
    method: 'GET',
    path: `${pathname}${search}`,
    fields,
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: limits.headDeadlineMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxOctetsHeld: limits.maxHeadBytes,
    onLeave: (cancel) => signal.addEventListener('abort', cancel, { once: true }),
  });
}

type Answered = Extract<UpstreamAnswer, { kind: 'response' }>;

/** RFC 9110 15.4. */
function redirectionOf({ status, fields }: Answered, from: URL): URL | 'malformed' | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const [location = ''] = fieldValues(fields, 'location');
  const url = URL.parse(location, from);
  return url === null || !/^https?:$/.test(url.protocol) ? 'malformed' : url;
}

async function taken({ status, fields, octets, content }: Answered, request: ListRequest): Promise<FetchedList> {
  const { maxBytes } = request;
  const refused = (because: string) => {
    content.cancel();
    return failed(because);
  };
  if (status === 304) {
    content.cancel();
    return { kind: 'unchanged' };
  }
  if (status !== 200) return refused(`its source answered ${status}`);
  if (typeof octets === 'number' && octets > maxBytes) return refused(tooLargeInWords(maxBytes));
  const coding = fieldValues(fields, 'content-encoding').join(',').trim().toLowerCase();
  if (!/^(?:|identity|gzip|x-gzip)$/.test(coding))
    return refused('its source gives it in a coding that was not asked for');
  const [etag] = fieldValues(fields, 'etag');
  const [lastModified] = fieldValues(fields, 'last-modified');
  await request.begin({ etag, lastModified });
  const bounded = () => {
    let left = maxBytes;
    return async function* (pieces: AsyncIterable<Buffer>) {
      for await (const octets of pieces) {
        left -= octets.length;
        if (left < 0) throw new ProxyError('http_response_body_size', `${tooLargeInWords(maxBytes)}.`);
        yield octets;
      }
    };
  };
  const write = async (pieces: AsyncIterable<Buffer>) => {
    for await (const octets of pieces) await request.write(octets);
  };
  const { signal } = request;
  const source = readable(content);
  // Both are bounded: much text in few octets, and many octets that make no text.
  if (coding.endsWith('gzip')) await pipeline(source, bounded(), createGunzip(), bounded(), write, { signal });
  else await pipeline(source, bounded(), write, { signal });
  return { kind: 'fetched' };
}

/** Content as a stream. One that is given up ends the sending. */
function readable(content: Content): Readable {
  let isOver = false;
  let isFlowing = false;
  const stream = new Readable({
    read: () => {
      if (isFlowing) return content.resume();
      isFlowing = true;
      content.flow({
        write: (octets) => stream.push(octets),
        end: () => {
          isOver = true;
          stream.push(null);
        },
        fail: (error) => {
          isOver = true;
          stream.destroy(error);
        },
      });
    },
    destroy: (cause, done) => {
      if (!isOver) content.cancel();
      done(cause);
    },
  });
  return stream;
}

/** A sentence as a part of another. */
function inWords({ message }: ProxyError): string {
  return message.replace(/\.$/, '').replace(/^[A-Z](?=[a-z ])/, (first) => first.toLowerCase());
}

function failed(because: string): FetchedList {
  return { kind: 'failed', because };
}
