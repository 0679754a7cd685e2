// Messages in both directions with octets changed, taken away, doubled and put in: whatever comes, nothing desynchronises.
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { paces, placeholders, replayRequest } from '../support/replay-request.ts';
import { replayResponse } from '../support/replay-response.ts';

/** The same messages each time. `EDGEHOP_FUZZ_SEED` and `EDGEHOP_FUZZ_RUNS` make others, and more of them. */
const seed = Number(process.env['EDGEHOP_FUZZ_SEED'] ?? 20260102);
const numRuns = Number(process.env['EDGEHOP_FUZZ_RUNS'] ?? 300);
const timeoutMs = 30_000 + numRuns * 100;

const head = `http://${placeholders.origin}/c/${placeholders.id}`;
const host = `Host: ${placeholders.origin}`;

const requests = [
  [`GET ${head} HTTP/1.1`, host, 'Accept: */*', '', ''],
  [`GET ${head} HTTP/1.0`, host, 'Connection: keep-alive', '', ''],
  [`POST ${head} HTTP/1.1`, host, 'Content-Length: 5', 'X: y', '', 'hello'],
  [`PUT ${head} HTTP/1.1`, host, 'Transfer-Encoding: chunked', '', '5', 'hello', '3;a="b"', 'you', '0', 'X: y', '', ''],
  [`POST ${head} HTTP/1.1`, host, 'Expect: 100-continue', 'Content-Length: 2', '', 'ok'],
  [`GET ${head} HTTP/1.1`, host, 'Connection: Upgrade', 'Upgrade: websocket', '', ''],
  [`GET ${head}/1 HTTP/1.1`, host, '', `POST ${head}/2 HTTP/1.1`, host, 'Content-Length: 1', '', 'a'],
].map((lines) => lines.join('\r\n'));

const responses = [
  ['HTTP/1.1 200 OK', 'Content-Length: 5', 'X: y', '', 'hello'],
  ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '5', 'hello', '3;a=b', 'you', '0', '', ''],
  ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X', '', '5', 'hello', '0', 'X: y', '', ''],
  ['HTTP/1.1 200 OK', 'Connection: close', '', 'hello'],
  ['HTTP/1.0 200 OK', 'Content-Length: 5', '', 'hello'],
  ['HTTP/1.1 204 No Content', 'X: y', '', ''],
  ['HTTP/1.1 304 Not Modified', 'ETag: "a"', '', ''],
].map((lines) => lines.join('\r\n'));

/** What makes a difference to some parser. */
const pieces = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    '\v',
    ':',
    ',',
    ';',
    '"',
    '0',
    '1',
    'f',
    '-',
    '+',
    '0x',
    '\x80',
    '\xff',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
  ],
  ...[
    'chunked',
    ', chunked',
    'identity',
    ' HTTP/1.0',
    ' HTTP/1.1',
    'Connection: close\r\n',
    'Connection: Content-Length\r\n',
  ],
  ...[
    '9999999999999999',
    'FFFFFFFFFFFFFFFF0',
    'HEAD ',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    ' 204 ',
    ' 101 ',
  ],
];

interface Change {
  readonly kind: 'insert' | 'replace' | 'delete' | 'double' | 'double-line' | 'cut';
  readonly place: number;
  readonly piece: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'replace', 'replace', 'delete', 'double', 'double-line', 'cut'),
  place: fc.nat(10_000),
  piece: fc.oneof(
    fc.constantFrom(...pieces),
    fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
  ),
});

const changed = (bases: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...bases), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([base, changes]) => changes.reduce(apply, atomsOf(base)).join(''));

describe.each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;

  beforeAll(async () => {
    proxy = await startTestAgent({ edge });
    return () => proxy[Symbol.asyncDispose]();
  });

  test('what clients send', () => holds(requests, (text, pace) => replayRequest(proxy.port, text, pace)), timeoutMs);

  test(
    'what origins answer',
    () =>
      holds(responses, async (text, pace) => {
        if (edge !== 'embedded') return replayResponse(proxy.port, text, pace);
        // workerd gives a second response to the next request. That is told in test/e2e/upstream-faults.test.ts.
        return /HTTP\/.*HTTP\//s.test(text) ? [] : replayResponse(proxy.port, text, pace, 'fetch');
      }),
    timeoutMs,
  );
});

async function holds(
  bases: readonly string[],
  replay: (text: string, pace: (typeof paces)[number]) => Promise<string[]>,
): Promise<void> {
  const property = fc.asyncProperty(changed(bases), fc.constantFrom(...paces), async (text, pace) => {
    const wrong = await replay(text, pace);
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  });
  await fc.assert(property, { seed, numRuns, endOnFailure: false });
}

/** Octets, but for the beginning of a URL, which stays what it is: nothing is to be dialled but the origin. */
function atomsOf(text: string): readonly string[] {
  const placeholder = `http://${placeholders.origin}/`;
  return text
    .split(/(http:\/\/\{\{ORIGIN\}\}\/|\{\{ORIGIN\}\}|\{\{ID\}\})/)
    .flatMap((part) => (part === placeholder || part.startsWith('{{') ? [part] : [...part]));
}

function apply(atoms: readonly string[], { kind, place, piece }: Change): readonly string[] {
  const at = place % (atoms.length + 1);
  if (kind === 'cut') return atoms.slice(0, at);
  if (kind === 'insert') return atoms.toSpliced(at, 0, piece);
  if (kind === 'delete') return atoms.toSpliced(at, 1);
  if (kind === 'replace') return atoms.toSpliced(at, 1, piece);
  if (kind === 'double') return atoms.toSpliced(at, 0, ...atoms.slice(at, at + 1));
  const start = atoms.lastIndexOf('\n', at - 1) + 1;
  const end = atoms.indexOf('\n', at) + 1;
  return end === 0 ? atoms : atoms.toSpliced(end, 0, ...atoms.slice(start, end));
}
