// docs/messages.md, row by row: what becomes of each odd message on each way to an origin.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { type Client, connectClient } from '../support/client.ts';
import type { Response } from '../support/messages.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';
import { clientFor, connectHttp2, fetched, requestTo } from '../support/upstream.ts';

type Way = (typeof upstreams)[number];

const ok = 'HTTP/1.1 200 OK';
const hello = message([ok, 'Content-Length: 5'], 'hello');
const latin1 = 'caf\xe9';
const utf8 = Buffer.from('café').toString('latin1');
const trailers = 'X-Sum: 1\r\nX-Sum: 2\r\n';

/** What a client sent and got: all responses, the requests that came to the origin, and every octet to the client. */
interface Told {
  readonly responses: readonly Response[];
  readonly final: Response;
  readonly requests: readonly OriginRequest[];
  readonly octets: string;
  /** Why the edge had a connection of its own. */
  readonly because: string | undefined;
}

interface Sent {
  readonly method?: string;
  /** The URL has no path. */
  readonly isPathless?: boolean;
  readonly fields?: readonly string[];
  /** What follows the head. */
  readonly content?: string;
  readonly answer?: readonly (string | Buffer)[];
  /** The origin ends the connection after its answer. */
  readonly ends?: boolean;
}

const agents = new Map<Way, TestAgent>();
let count = 0;

beforeAll(async () => {
  for (const edge of upstreams) agents.set(edge, await startTestAgent({ edge, fallback: 'fail' }));
});

afterAll(async () => {
  for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
});

async function tell(way: Way, sent: Sent): Promise<Told> {
  const agent = agents.get(way) as TestAgent;
  const { method = 'GET', isPathless = false, fields = [], content = '', answer = [hello], ends = false } = sent;
  // One for each, so that none begins with what another has left.
  await using origin: Origin = await startOrigin(async (request, socket) => {
    await request.content;
    for (const part of answer) socket.write(part, 'latin1');
    if (ends) socket.end();
  });
  const url = isPathless ? origin.url : `${origin.url}/${++count}`;
  using client: Client = await connectClient(agent.port);
  client.send(message([`${method} ${url} HTTP/1.1`, 'Host: x', 'Connection: close', ...fields], content));
  const responses = [await client.response(method)];
  while ((responses.at(-1)?.status ?? 0) < 200) responses.push(await client.response(method));
  await client.ended;
  const { upstream } = await agent.recordOf(url);
  return {
    responses,
    final: responses.at(-1) as Response,
    requests: origin.requests,
    octets: client.octets.all().toString('latin1'),
    because: upstream?.because,
  };
}

const errorOf = ({ final }: Told) => /error=(\w+)/.exec(final.field('proxy-status') ?? '')?.[1];
const namesOf = (fields: readonly (readonly [string, string])[], wanted: RegExp) =>
  fields.map(([name]) => name).filter((name) => wanted.test(name));

/** Where the test of this title stands: there HTTP/2 is spoken. */
type Cited = readonly [file: string, title: string];
const http2 = (title: string): Cited => ['agent/upstream/http2-exchange', title];

interface Row {
  readonly message: string;
  /** As they stand in the document: directly in HTTP/1.1, in HTTP/2, by the edge's fetch, by its socket. */
  readonly cells: readonly [string, string, string, string];
  readonly prove: (way: Way) => Promise<void>;
  readonly http2?: Cited;
}

const asItCame = 'as it came';
const bySocket = 'goes by socket';
const againBySocket = 'again by socket where that may be done twice, else 502 `http_protocol_error`';

const rows: readonly Row[] = [
  {
    message: 'Early Hints and other interim responses (102 to 199)',
    cells: [asItCame, asItCame, againBySocket, 'as it came, but not ahead of the final head'],
    http2: http2('are passed on, 100 as well'),
    prove: async (way) => {
      const answer = [message(['HTTP/1.1 103 Early Hints', 'Link: </a>']), message(['HTTP/1.1 102 Processing']), hello];
      const told = await tell(way, { answer });
      expect(told.responses.map(({ status }) => status)).toEqual([103, 102, 200]);
      expect(told.responses[0]?.field('link')).toBe('</a>');
      if (way !== 'embedded') return;
      expect(told.because).toBe('unfetchable');
      const posted = await tell(way, { method: 'POST', answer });
      expect([posted.final.status, errorOf(posted), posted.requests.length]).toEqual([502, 'http_protocol_error', 1]);
    },
  },
  {
    message: '100 from an origin',
    cells: ['not passed on', 'not passed on', 'not passed on; as above', 'not passed on'],
    http2: http2('are passed on, 100 as well'), // to the agent, which sends its own
    prove: async (way) => {
      const told = await tell(way, { answer: [message(['HTTP/1.1 100 Continue']), hello] });
      expect(told.responses.map(({ status }) => status)).toEqual([200]);
    },
  },
  {
    message: '101 that nobody asked for',
    cells: [
      '502 `http_protocol_error`',
      '502 `http_protocol_error`',
      '502 `http_protocol_error`',
      '502 `http_protocol_error`',
    ],
    http2: http2('B03, RFC 9113 8.6: 101 does not exist'),
    prove: async (way) => {
      const told = await tell(way, {
        answer: [message(['HTTP/1.1 101 Switching', 'Upgrade: x', 'Connection: upgrade'])],
      });
      expect([told.final.status, errorOf(told)]).toEqual([502, 'http_protocol_error']);
    },
  },
  {
    message: 'trailers of a response',
    cells: [
      asItCame,
      asItCame,
      'by socket for a client that sends `TE: trailers`; again by socket where `Trailer` announces them and that may be done twice; else dropped, and the next exchange with this origin goes again by socket where that may be done twice, else it fails',
      asItCame,
    ],
    http2: http2('has trailers'),
    prove: async (way) => {
      const head = (...more: string[]) => message([ok, 'Transfer-Encoding: chunked', ...more]);
      const answer = [head(), chunk('hello'), `0\r\n${trailers}\r\n`];
      const hasTrailers = ({ octets }: Told) => octets.endsWith(`\r\n0\r\n${trailers}\r\n`);
      expect(hasTrailers(await tell(way, { answer }))).toBe(way !== 'embedded');
      const willing = await tell(way, { answer, fields: ['TE: trailers'] });
      expect([hasTrailers(willing), willing.because]).toEqual([
        true,
        way === 'embedded' ? 'trailers' : willing.because,
      ]);
      const announced = await tell(way, { answer: [head('Trailer: X-Sum'), ...answer.slice(1)] });
      expect(hasTrailers(announced)).toBe(true);
      if (way !== 'embedded') return;
      expect(announced.because).toBe('unfetchable');
      const posted = await tell(way, { method: 'POST', answer: [head('Trailer: X-Sum'), ...answer.slice(1)] });
      expect([posted.final.content.toString(), hasTrailers(posted)]).toEqual(['hello', false]);
    },
  },
  {
    message: '`TE: trailers` of a client',
    cells: [asItCame, asItCame, bySocket, asItCame],
    http2: http2('of * and of a client that takes trailers goes out as such, RFC 9113 8.2.2 and 8.3.1'),
    prove: async (way) => {
      const told = await tell(way, { fields: ['TE: trailers'] });
      expect(told.requests[0]?.values('te')).toEqual(['trailers']);
      expect(told.requests[0]?.values('connection').join()).toMatch(/\bTE$/);
      if (way === 'embedded') expect(told.because).toBe('trailers');
    },
  },
  {
    message: 'OPTIONS for a URL without a path, which is `*` for the origin (RFC 9112 3.2.4)',
    cells: ['as `*`', 'as `*`', bySocket, 'as `*`'],
    http2: http2('of * and of a client that takes trailers goes out as such, RFC 9113 8.2.2 and 8.3.1'),
    prove: async (way) => {
      const told = await tell(way, { method: 'OPTIONS', isPathless: true });
      expect([told.requests[0]?.method, told.requests[0]?.target]).toEqual(['OPTIONS', '*']);
      if (way === 'embedded') expect(told.because).toBe('asterisk');
    },
  },
  {
    message: 'trailers of a request',
    cells: [asItCame, 'dropped', 'dropped', 'dropped'],
    http2: ['e2e/messages', 'HTTP/2: a GET takes its content along, without its trailers'],
    prove: async (way) => {
      const content = `5\r\nhello\r\n0\r\n${trailers}\r\n`;
      const told = await tell(way, { method: 'PUT', fields: ['Transfer-Encoding: chunked'], content });
      expect((await told.requests[0]?.content)?.toString()).toBe('hello');
      expect(told.requests[0]?.octets.endsWith(way === 'none' ? `0\r\n${trailers}\r\n` : '0\r\n\r\n')).toBe(true);
    },
  },
  {
    message: 'octets from 0x80 in the fields of a request',
    cells: [asItCame, asItCame, bySocket, asItCame],
    http2: http2('goes out with its fields, in order and with duplicates, less those that HTTP/2 carries otherwise'),
    prove: async (way) => {
      for (const text of [latin1, utf8]) {
        const told = await tell(way, { fields: [`X-Text: ${text}`] });
        expect(told.requests[0]?.values('x-text')).toEqual([text]);
        if (way === 'embedded') expect(told.because).toBe('octets');
      }
    },
  },
  {
    message: 'octets from 0x80 in the fields of a response',
    cells: [asItCame, asItCame, `UTF-8 as it came, other octets ${againBySocket}`, asItCame],
    http2: http2('comes with its fields in order and with duplicates, each value without the spaces around it'),
    prove: async (way) => {
      for (const text of [latin1, utf8]) {
        const answer = [message([ok, `X-Text: ${text}`, 'Content-Length: 0'])];
        const told = await tell(way, { answer });
        expect(told.final.values('x-text')).toEqual([text]);
        if (way !== 'embedded') continue;
        expect(told.because).toBe(text === utf8 ? undefined : 'unfetchable');
        const posted = await tell(way, { method: 'POST', answer });
        expect(posted.final.status).toBe(text === utf8 ? 200 : 502);
      }
    },
  },
  {
    message: 'methods that fetch refuses (LINK, M-SEARCH and others)',
    cells: [asItCame, asItCame, bySocket, asItCame],
    http2: http2('goes out with its fields, in order and with duplicates, less those that HTTP/2 carries otherwise'),
    prove: async (way) => {
      const told = await tell(way, { method: 'M-SEARCH' });
      expect([told.final.status, told.requests[0]?.method]).toEqual([200, 'M-SEARCH']);
      if (way === 'embedded') expect(told.because).toBe('method');
    },
  },
  {
    message: 'a GET or HEAD with content',
    cells: [asItCame, asItCame, bySocket, asItCame],
    http2: ['e2e/messages', 'HTTP/2: a GET takes its content along, without its trailers'],
    prove: async (way) => {
      for (const method of ['GET', 'HEAD']) {
        const told = await tell(way, { method, fields: ['Content-Length: 5'], content: 'hello' });
        expect((await told.requests[0]?.content)?.toString()).toBe('hello');
        if (way === 'embedded') expect(told.because).toBe('content');
      }
    },
  },
  {
    message: 'several lines of Set-Cookie',
    cells: [asItCame, asItCame, asItCame, asItCame],
    http2: http2('comes with its fields in order and with duplicates, each value without the spaces around it'),
    prove: async (way) => {
      const cookies = Array.from({ length: 40 }, (_, i) => `c${i}=${i}, x`);
      const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}`);
      const told = await tell(way, { answer: [message([ok, ...lines, 'Content-Length: 0'])] });
      expect(told.final.values('set-cookie')).toEqual(cookies);
    },
  },
  {
    message: 'several lines of another field',
    cells: [asItCame, asItCame, 'one line, joined by `, `', asItCame],
    http2: http2('comes with its fields in order and with duplicates, each value without the spaces around it'),
    prove: async (way) => {
      const lines = ['X-Many: one', 'Other: x', 'X-Many: two'];
      const told = await tell(way, { fields: lines, answer: [message([ok, ...lines, 'Content-Length: 0'])] });
      expect(told.final.values('x-many')).toEqual(way === 'embedded' ? ['one, two'] : ['one', 'two']);
      expect(told.requests[0]?.values('x-many').join(', ')).toBe('one, two');
    },
  },
  {
    message: 'order and case of field names',
    cells: [asItCame, 'order as it came, lower case', 'sorted, lower case; of a request the case as it came', asItCame],
    http2: http2('goes out with its fields, in order and with duplicates, less those that HTTP/2 carries otherwise'),
    prove: async (way) => {
      const lines = ['zEbRa: 1', 'Apple: 2', 'MANGO: 3'];
      const told = await tell(way, { fields: lines, answer: [message([ok, ...lines, 'Content-Length: 0'])] });
      const wanted = /^(zebra|apple|mango)$/i;
      const [asked, answered] = [namesOf(told.requests[0]?.fields ?? [], wanted), namesOf(told.final.fields, wanted)];
      const exact = ['zEbRa', 'Apple', 'MANGO'];
      expect(answered).toEqual(way === 'embedded' ? ['apple', 'mango', 'zebra'] : exact);
      expect(way === 'embedded' ? asked.sort() : asked).toEqual(way === 'embedded' ? [...exact].sort() : exact);
    },
  },
  {
    message: 'the reason phrase',
    cells: [asItCame, 'there is none', 'as it came where it is UTF-8, else empty', asItCame],
    http2: http2('comes with its fields in order and with duplicates, each value without the spaces around it'),
    prove: async (way) => {
      for (const reason of ['Quite so', utf8, latin1]) {
        const told = await tell(way, { answer: [message([`HTTP/1.1 299 ${reason}`, 'Content-Length: 0'])] });
        const isLost = way === 'embedded' && reason === latin1;
        expect(told.final.startLine).toBe(`HTTP/1.1 299 ${isLost ? '' : reason}`);
      }
    },
  },
  {
    message: 'content of unknown length',
    cells: ['in chunks', 'in chunks', 'in chunks', 'in chunks; with its length where it came whole with its head'],
    http2: http2("'without length', 'GET'"),
    prove: async (way) => {
      const chunked = message([ok, 'Transfer-Encoding: chunked'], Buffer.concat([chunk('hello'), chunk()]));
      for (const sent of [{ answer: [chunked] }, { answer: [message([ok], 'hello')], ends: true }]) {
        const { final } = await tell(way, sent);
        expect([final.content.toString(), final.isComplete]).toEqual(['hello', true]);
        const isKnown = way === 'embedded-socket' && sent.answer[0] === chunked;
        expect(final.framing).toBe(isKnown ? 'length' : 'chunked');
      }
    },
  },
  {
    message: 'chunk extensions of a response, which mean nothing to anybody (RFC 9112 7.1.1)',
    cells: ['dropped', 'do not occur', 'the content is cut', 'dropped'],
    prove: async (way) => {
      const answer = [message([ok, 'Transfer-Encoding: chunked'], '5;a=b\r\nhello\r\n0\r\n\r\n')];
      const { final } = await tell(way, { answer });
      if (way === 'embedded') expect(final.status === 502 || !final.isComplete).toBe(true);
      else expect([final.content.toString(), final.isComplete]).toEqual(['hello', true]);
    },
  },
  {
    message: 'a space behind Content-Length or Transfer-Encoding of a response',
    cells: ['understood', 'does not occur', againBySocket, 'understood'],
    prove: async (way) => {
      const length = message([ok, 'Content-Length: 5 '], 'hello');
      const chunked = message([ok, 'Transfer-Encoding: chunked '], Buffer.concat([chunk('hello'), chunk()]));
      for (const answer of [[length], [chunked]]) {
        const told = await tell(way, { answer });
        expect([told.final.content.toString(), told.final.isComplete]).toEqual(['hello', true]);
        if (way === 'embedded') expect(told.because).toBe('unfetchable');
      }
      if (way !== 'embedded') return;
      const posted = await tell(way, { method: 'POST', answer: [length] });
      expect([posted.final.status, errorOf(posted), posted.requests.length]).toEqual([502, 'http_protocol_error', 1]);
    },
  },
  {
    message: 'an origin of HTTP/1.0',
    cells: ['understood', 'does not occur', 'understood', 'understood'],
    prove: async (way) => {
      for (const lines of [['HTTP/1.0 200 OK'], ['HTTP/1.0 200 OK', 'Content-Length: 5']]) {
        const { final } = await tell(way, { answer: [message(lines, 'hello')], ends: true });
        expect([final.startLine, final.content.toString(), final.isComplete]).toEqual([ok, 'hello', true]);
      }
    },
  },
];

describe.each(upstreams)('by edge %s', (way) => {
  test.each(rows)('$message', ({ prove }) => prove(way));
});

// Node's parser does not tell what it has overlooked, so that nobody can refuse it.
test.each(upstreams)('A12 by edge %s an odd request line goes on as a plain one of HTTP/1.1', async (way) => {
  const { port } = agents.get(way) as TestAgent;
  await using origin = await startOrigin((_, socket) => void socket.write(hello));
  for (const odd of ['GET  URL HTTP/1.1', 'GET URL  HTTP/1.1', 'GET URL RTSP/1.0', 'SOURCE URL ICE/1.0']) {
    using client = await connectClient(port);
    client.sendHead(odd.replace('URL', `${origin.url}/odd`), 'Host: x', 'Connection: close');
    expect((await client.response()).content.toString()).toBe('hello');
    expect(origin.requests.at(-1)?.head).toMatch(/^(GET|SOURCE) \/odd HTTP\/1\.1\r\n/);
  }
});

test('HTTP/2: a GET takes its content along, without its trailers', async () => {
  const seen: string[] = [];
  const server = createServer().on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.push(`${headers[':method']}`);
    stream.setEncoding('latin1');
    stream.on('data', (text: string) => void seen.push(text));
    stream.on('trailers', (fields) => void seen.push(...Object.keys(fields)));
    stream.on('end', () => stream.respond({ ':status': 204 }, { endStream: true }));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  const request = requestTo(`https://127.0.0.1:${port}`, {
    framing: { kind: 'chunked' },
    content: Readable.from([Buffer.from('hello')]),
    trailers: () => [['X-Sum', '1']],
  });
  expect(await fetched(clientFor({ connect: connectHttp2 }), request)).toBe('204 ');
  expect(seen).toEqual(['GET', 'hello']);
});

describe('docs/messages.md', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const lines = readFileSync(`${root}docs/messages.md`, 'utf8').split('\n');
  const written = lines
    .filter((line) => line.startsWith('| ') && !line.startsWith('| message'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  test('says of each message what is proved here, and of no other', () => {
    expect(written).toEqual(rows.map(({ message, cells }) => [message, ...cells]));
  });

  const cited = rows.flatMap(({ message, http2 }) => (http2 === undefined ? [] : [[message, ...http2] as const]));
  test.each(cited)('what it says of HTTP/2 is proved: %s', (_, file, title) => {
    const path = `${root}test/${file}.test.ts`;
    expect(existsSync(path) && readFileSync(path, 'utf8').includes(title)).toBe(true);
  });
});
