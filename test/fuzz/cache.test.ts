// Requests of several people for URLs whose origin says anything: nobody gets what was not for them, nor a mixture, nor what is over.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { exchangeOnce } from '../support/client.ts';
import { message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';
import { tiers } from '../support/tiers.ts';

/** The same requests each time. `EDGEHOP_FUZZ_SEED` and `EDGEHOP_FUZZ_RUNS` make others, and more of them. */
const seed = Number(process.env['EDGEHOP_FUZZ_SEED'] ?? 20261121);
const numRuns = Number(process.env['EDGEHOP_FUZZ_RUNS'] ?? 60);
const timeoutMs = 30_000 + numRuns * 1_000;

interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly user: 'a' | 'b' | undefined;
  readonly language: 'de' | 'fr' | undefined;
  readonly lines: readonly string[];
}

/** What an origin says with one answer. */
interface Saying {
  readonly status: '200 OK' | '404 Not Found' | '301 Moved Permanently' | '500 Oops';
  readonly control: string | undefined;
  readonly vary: string | undefined;
  readonly lines: readonly string[];
  /** Chunked; with its length; or cut before its end. */
  readonly framing: 'chunked' | 'length' | 'cut';
  readonly takesRanges: boolean;
  readonly validates: boolean;
}

const ask: fc.Arbitrary<Ask> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'POST'),
  user: fc.constantFrom(undefined, undefined, undefined, undefined, 'a', 'b'),
  language: fc.constantFrom(undefined, 'de', 'fr'),
  lines: fc.subarray(
    [
      'Cache-Control: no-cache',
      'Cache-Control: no-store',
      'Cache-Control: max-age=0',
      'Cache-Control: max-stale',
      'Range: bytes=0-11',
      'Range: bytes=12-23',
      'Range: bytes=-12',
      'Range: bytes=0-11, 12-23',
      'X-Forwarded-Host: evil.example',
      'If-None-Match: "nothing"',
    ],
    { maxLength: 1 },
  ),
});

const saying: fc.Arbitrary<Saying> = fc.record({
  status: fc.constantFrom('200 OK', '200 OK', '200 OK', '200 OK', '404 Not Found', '301 Moved Permanently', '500 Oops'),
  control: fc.constantFrom(
    ...[
      'max-age=60',
      'max-age=60',
      'max-age=60',
      'max-age=60',
      'max-age=60',
      's-maxage=60',
      's-maxage=60',
      'public, max-age=60',
      'must-revalidate, max-age=60',
      'max-age=0',
    ],
    ...['max-age=60, no-cache', 'max-age=60, no-store', 'private, max-age=60', 'max-age=0, stale-while-revalidate=60'],
    ...['NO-STORE', 'max-age=60, max-age=0', 'max-age=60, stale-if-error=60', undefined],
  ),
  vary: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    undefined,
    'Accept-Language',
    'authorization, ACCEPT-LANGUAGE',
    '*',
  ),
  lines: fc.subarray(['Set-Cookie: s=1', 'Last-Modified: Mon, 01 Jan 2001 00:00:00 GMT', 'Age: 5'], { maxLength: 1 }),
  framing: fc.constantFrom('chunked', 'chunked', 'length', 'length', 'length', 'cut'),
  takesRanges: fc.boolean(),
  validates: fc.boolean(),
});

/** What became of one answer of the origin. */
interface Given {
  readonly request: OriginRequest;
  readonly saying: Saying;
  readonly content: string;
  /** The number of the group of requests that it was made among. */
  readonly group: number;
}

/** Of one URL. */
interface About {
  /** Of the answer made last. */
  id: number;
  /** How often the origin was asked. */
  asked: number;
  /** The number of the group of requests that is under way, and of that which an unsafe one was in last. */
  group: number;
  changed: number;
}

function nothingYet(): About {
  return { id: 0, asked: 0, group: 0, changed: 0 };
}

/** A content is some of the same token, which says whose answer it is. */
function contentFor(id: number, request: OriginRequest): string {
  return `${String(id).padStart(6, '0')}.${audienceOf(request)};`.repeat(2 + (id % 4));
}

/** Whom an answer is for. */
function audienceOf(request: OriginRequest): string {
  return `${request.values('authorization')[0]?.at(-1) ?? '-'}.${request.values('accept-language')[0] ?? '--'}`;
}

describe.each(tiers)('cached by %s', (_name, options) => {
  let proxy: TestAgent;
  let origin: Origin;
  let number = 0;
  const given = new Map<number, Given>();
  const sayings = new Map<string, readonly Saying[]>();
  const latest = new Map<string, About>();

  beforeAll(async () => {
    origin = await startOrigin((request, socket) => {
      const about = latest.get(request.target) ?? nothingYet();
      const of = sayings.get(request.target) ?? [];
      const current = of[about.asked % of.length] as Saying;
      latest.set(request.target, about);
      about.asked++;
      if (request.method === 'POST') {
        about.changed = about.group;
        return void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0']));
      }
      const known = given.get(about.id);
      const isFor = known !== undefined && audienceOf(known.request) === audienceOf(request);
      if (current.validates && isFor && request.values('if-none-match').join().includes(`"${about.id}"`)) {
        return void socket.write(message(['HTTP/1.1 304 Not Modified', `ETag: "${about.id}"`, `X-Id: ${about.id}`]));
      }
      const id = ++number;
      about.id = id;
      const content = contentFor(id, request);
      given.set(id, { request, saying: current, content, group: about.group });
      answer(request, socket, id, current, content);
    });
    proxy = await startTestAgent(options);
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  test(
    'every answer is of the URL, whole, and for whoever gets it',
    async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(ask, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 10 }),
          fc.array(saying, { minLength: 1, maxLength: 4 }),
          async (groups, says) => {
            const target = `/${++run}`;
            sayings.set(target, says);
            const about = nothingYet();
            latest.set(target, about);
            for (const group of groups) {
              about.group++;
              await Promise.all(group.map((each) => judge(target, each, group.length === 1)));
            }
          },
        ),
        { seed, numRuns, endOnFailure: true },
      );
    },
    timeoutMs,
  );

  async function judge(target: string, { method, user, language, lines }: Ask, isAlone: boolean): Promise<void> {
    const before = { ...(latest.get(target) as About) };
    const own = `${target} ${Math.random()}`;
    const fields = [
      `${method} ${origin.url}${target} HTTP/1.1`,
      'Host: x',
      'Connection: close',
      `X-Own: ${own}`,
      ...(user === undefined ? [] : [`Authorization: Basic ${user}`]),
      ...(language === undefined ? [] : [`Accept-Language: ${language}`]),
      ...(method === 'POST' ? ['Content-Length: 0'] : []),
      ...lines,
    ];
    const response = await exchangeOnce(proxy.port, `${fields.join('\r\n')}\r\n\r\n`, method).catch(() => undefined);
    if (response === undefined || !response.isComplete || response.status === 502) return; // cut, and told so
    const id = Number(response.field('x-id') ?? Number.NaN);
    if (method === 'POST' || Number.isNaN(id)) return;
    const from = given.get(id) as Given;
    expect(from.request.target).toBe(target);
    expect(from.saying.framing === 'cut' && method === 'GET' && response.status === 200).toBe(false);
    if (method === 'GET') expectSliceOf(from.content, response);
    if (from.request.values('x-own')[0] === own) return; // it was made for this very request
    expectShared(from, user, language);
    if (!isAlone || (latest.get(target) as About).asked > before.asked) return;
    expectFresh(from, lines, before.changed);
  }
});

function answer(
  { method, values }: OriginRequest,
  socket: import('node:net').Socket,
  id: number,
  { status, control, vary, lines, framing, takesRanges }: Saying,
  content: string,
): void {
  const range = /^bytes=(\d*)-(\d+)$/.exec(values('range').join());
  const last = range?.[1] === '' ? content.length - 1 : Math.min(Number(range?.[2]), content.length - 1);
  const first = range?.[1] === '' ? content.length - Number(range[2]) : Number(range?.[1]);
  const isPart = range !== null && takesRanges && status === '200 OK' && first <= last;
  const sent = isPart ? content.slice(first, last + 1) : content;
  const head = [
    `HTTP/1.1 ${isPart ? '206 Partial Content' : status}`,
    `Date: ${new Date().toUTCString()}`,
    `ETag: "${id}"`,
    `X-Id: ${id}`,
    ...(control === undefined ? [] : [`Cache-Control: ${control}`]),
    ...(vary === undefined ? [] : [`Vary: ${vary}`]),
    ...(isPart ? [`Content-Range: bytes ${first}-${last}/${content.length}`] : []),
    ...lines,
  ];
  const body = method === 'HEAD' ? '' : sent;
  if (framing === 'chunked' && method === 'GET') {
    socket.write(
      message([...head, 'Transfer-Encoding: chunked'], `${sent.length.toString(16)}\r\n${sent}\r\n0\r\n\r\n`),
    );
  } else if (framing === 'cut' && method === 'GET') {
    socket.end(message([...head, `Content-Length: ${sent.length + 1}`], body));
  } else socket.write(message([...head, `Content-Length: ${sent.length}`], body));
}

type Got = Awaited<ReturnType<typeof exchangeOnce>>;

/** The content is that of one answer: all of it, one part, or several. */
function expectSliceOf(whole: string, { status, content, field }: Got): void {
  const text = content.toString('latin1');
  if (status === 304) return void expect(text).toBe('');
  if (status === 416) return;
  if (status !== 206) return void expect(text).toBe(whole);
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(field('content-range') ?? '');
  if (range !== null) {
    expect([text, range[3]]).toEqual([whole.slice(Number(range[1]), Number(range[2]) + 1), `${whole.length}`]);
    return;
  }
  const parts = [...text.matchAll(/Content-Range: bytes (\d+)-(\d+)\/(\d+)\r\n(?:[^\r\n]+\r\n)*\r\n(.*)\r\n/gi)];
  expect(parts.length).toBeGreaterThan(1);
  for (const [, first, last, complete, part] of parts)
    expect([part, complete]).toEqual([whole.slice(Number(first), Number(last) + 1), `${whole.length}`]);
}

/** It was made for another request: it may be given to this one. RFC 9111 3, 3.5, 4.1. */
function expectShared({ request, saying }: Given, user: string | undefined, language: string | undefined): void {
  const { control = '', vary = '', lines } = saying;
  expect(control).not.toMatch(/no-store|private/i);
  expect(lines).not.toContain('Set-Cookie: s=1');
  expect(vary).not.toBe('*');
  expect(request.values('cache-control').join()).not.toContain('no-store');
  expect(request.values('x-forwarded-host')).toEqual([]);
  if (/language/i.test(vary)) expect(request.values('accept-language')[0]).toBe(language);
  if (/authorization/.test(vary)) expect(request.values('authorization')[0]?.at(-1)).toBe(user);
  if (request.values('authorization').length > 0) expect(control).toMatch(/public|s-maxage|must-revalidate/);
}

/** The origin was not asked: the answer must be fresh, or allowed to be stale, and nothing has changed what it is about. */
function expectFresh({ saying, group }: Given, lines: readonly string[], changed: number): void {
  const { control } = saying;
  expect(lines).not.toContain('Cache-Control: no-cache');
  expect(lines).not.toContain('Cache-Control: no-store');
  expect(lines).not.toContain('Cache-Control: max-age=0');
  expect(group).toBeGreaterThanOrEqual(changed); // what was on its way beside the change may be from before it
  if (control === undefined) expect(saying.lines.join()).toContain('Last-Modified');
  else {
    expect(control).not.toMatch(/no-cache|max-age=60, max-age=0/);
    const isStale = control === 'max-age=0';
    if (isStale) expect(lines).toContain('Cache-Control: max-stale');
  }
}
