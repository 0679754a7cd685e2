// Responses made at random and spoiled at random: what the reader tells never depends on how the octets came, and holds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import { contentOf, type Heard, headOf, heard, named, trailersOf } from '../support/heard.ts';
import { scanResponses } from '../support/strict-scan.ts';

/** The same responses each time. `EDGEHOP_FUZZ_SEED` and `EDGEHOP_FUZZ_RUNS` make others, and more of them. */
const seed = Number(process.env['EDGEHOP_FUZZ_SEED'] ?? 20260102);
const numRuns = Number(process.env['EDGEHOP_FUZZ_RUNS'] ?? 2_000);

const limits = { maxHeadBytes: 400, maxFields: 6, maxInterimResponses: 2 };

const octet = (from: number, to: number) => fc.integer({ min: from, max: to }).map((code) => String.fromCharCode(code));
const anyOctets = (maxLength: number) => fc.array(octet(0, 255), { maxLength }).map((octets) => octets.join(''));
const visible = fc.oneof(octet(0x21, 0x7e), octet(0x80, 0xff));
const words = (maxLength: number) =>
  fc.array(fc.oneof(visible, fc.constantFrom(' ', '\t')), { maxLength }).map((octets) => octets.join(''));
const value = fc.tuple(visible, words(8), visible).map(([first, inner, last]) => first + inner + last);
const name = fc
  .string({ unit: fc.constantFrom(..."abcXYZ09!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 8 })
  .map((text) => `x${text}`);
const field: fc.Arbitrary<Field> = fc.tuple(name, fc.oneof(fc.constant(''), value));
const space = fc.constantFrom('', ' ', '\t', ' \t ');
const line = fc.tuple(field, space, space).map(([[n, v], before, after]) => ({
  field: [n, v] as Field,
  text: `${n}:${before}${v}${after}\r\n`,
}));
const lines = fc.array(line, { maxLength: 3 });

interface Response {
  readonly text: string;
  readonly method: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
  readonly content: string;
  readonly trailers: readonly Field[];
  readonly interims: number;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
}

const chunkOf = fc.record({
  content: anyOctets(12).filter((text) => text !== ''),
  zeros: fc.constantFrom('', '0', '00'),
  extension: fc.constantFrom('', ';a', ';a=b', ';a="b;,c"', ' '.slice(1)),
});

/** Sound responses, with what they say. */
const responses: fc.Arbitrary<Response> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'HEAD'),
    status: fc.oneof(fc.integer({ min: 200, max: 599 }), fc.constantFrom(204, 304)),
    reason: words(10),
    head: lines,
    kind: fc.constantFrom('length', 'chunked', 'close'),
    coding: fc.constantFrom('chunked', 'Chunked', 'CHUNKED'),
    chunks: fc.array(chunkOf, { maxLength: 4 }),
    trailers: lines,
    interims: fc.array(fc.record({ status: fc.constantFrom(100, 102, 103, 199), head: lines }), {
      maxLength: limits.maxInterimResponses,
    }),
  })
  .map(({ method, status, reason, head, kind, coding, chunks, trailers, interims }) => {
    const isBare = method === 'HEAD' || status === 204 || status === 304;
    const content = isBare ? '' : chunks.map((chunk) => chunk.content).join('');
    const framingLine = framingLineOf(kind, coding, content.length);
    const chunked = chunks.map((chunk) => {
      const size = `${chunk.zeros}${chunk.content.length.toString(16)}${chunk.extension}`;
      return `${size}\r\n${chunk.content}\r\n`;
    });
    const last = `0\r\n${trailers.map((each) => each.text).join('')}\r\n`;
    const body = kind === 'chunked' ? chunked.join('') + last : content;
    const text = [
      ...interims.map((each) => `HTTP/1.1 ${each.status} \r\n${each.head.map((one) => one.text).join('')}\r\n`),
      `HTTP/1.1 ${status} ${reason}\r\n`,
      ...head.map((each) => each.text),
      framingLine === undefined ? '' : `${framingLine[0]}: ${framingLine[1]}\r\n`,
      '\r\n',
      isBare ? '' : body,
    ].join('');
    const framing = isBare ? 'none' : (kind as Response['framing']);
    return {
      text,
      method,
      status,
      reason,
      fields: [...head.map((each) => each.field), ...(framingLine === undefined ? [] : [framingLine])],
      content,
      trailers: framing === 'chunked' ? trailers.map((each) => each.field) : [],
      interims: interims.length,
      framing,
    };
  });

function framingLineOf(kind: string, coding: string, octets: number): Field | undefined {
  if (kind === 'length') return ['Content-Length', String(octets)];
  return kind === 'chunked' ? ['Transfer-Encoding', coding] : undefined;
}

/** Where a text is cut, as fractions of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

function cutAt(text: string, places: readonly number[]): string[] {
  const ends = [...places.map((place) => Math.round(place * text.length)), text.length].sort((a, b) => a - b);
  return ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
}

/** What makes a difference to some parser. */
const pieces = [
  ...['\r', '\n', '\r\n', '\r\n\r\n', '\0', ' ', '\t', '\v', ':', ',', ';', '"', '0', '1', 'f', '-', '+', '0x', '\xff'],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
  ],
  ...['chunked', ', chunked', ' HTTP/1.0', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 \r\n\r\n', ' 204 ', ' 101 '],
  ...['9999999999999999', 'FFFFFFFFFFFFFFFF0', 'A: 1\r\n'.repeat(7), 'x'.repeat(401)],
];

const change = fc.record({
  kind: fc.constantFrom('insert', 'replace', 'delete', 'double', 'cut'),
  place: fc.nat(10_000),
  length: fc.integer({ min: 1, max: 8 }),
  piece: fc.oneof(fc.constantFrom(...pieces), octet(0, 255)),
});

/** Octets that were a response once, and octets that never were one. */
const octets = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(responses, fc.array(change, { minLength: 1, maxLength: 4 })).map(spoiled) },
  { weight: 1, arbitrary: fc.tuple(responses, responses).map(([one, other]) => one.text + other.text) },
  { weight: 1, arbitrary: anyOctets(60) },
);

function spoiled([{ text }, changes]: [Response, { kind: string; place: number; length: number; piece: string }[]]) {
  let now = text;
  for (const { kind, place, length, piece } of changes) {
    const at = place % (now.length + 1);
    const behind = kind === 'insert' || kind === 'double' ? at : at + length;
    const between = kind === 'delete' || kind === 'cut' ? '' : kind === 'double' ? now.slice(at, at + length) : piece;
    now = now.slice(0, at) + between + (kind === 'cut' ? '' : now.slice(behind));
  }
  return now;
}

const methods = fc.constantFrom('GET', 'GET', 'HEAD');

describe('a sound response', () => {
  test('is told as it was made, and nothing behind it is', () => {
    holds(
      fc.property(responses, cuts, fc.constantFrom('', 'HTTP/1.1 200 OK\r\n\r\n', '\0'), (made, places, behind) => {
        const isOpen = made.framing === 'close';
        const response = heard(cutAt(made.text + (isOpen ? '' : behind), places), { ...limits, method: made.method });
        if (isOpen) expect(named(response.reader.finish())).toBe('complete');
        else expect(response).toMatchObject({ reading: 'complete', rest: behind.length });
        expect(headOf(response)).toMatchObject({ status: made.status, reason: made.reason, httpVersion: '1.1' });
        expect(headOf(response)?.fields).toEqual(made.fields);
        expect(headOf(response)?.framing.kind).toBe(made.framing);
        expect(contentOf(response)).toBe(made.content);
        expect(trailersOf(response)).toEqual(made.trailers);
        expect(response.parts.filter(({ kind }) => kind === 'interim').length).toBe(made.interims);
      }),
    );
  });

  test('B05: that is cut anywhere is never told as complete', () => {
    holds(
      fc.property(responses, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (made, place) => {
        const text = made.text.slice(0, Math.floor(place * made.text.length));
        const response = heard(text, { ...limits, method: made.method });
        expect(response.reading).toBe('more');
        const isOpen = made.framing === 'close' && headOf(response) !== undefined;
        expect(named(response.reader.finish())).toMatch(isOpen ? /^complete$/ : /^failed/);
      }),
    );
  });
});

describe('any octets', () => {
  test('are told alike however they come', () => {
    holds(
      fc.property(octets, cuts, methods, (text, places, method) => {
        const whole = summary(heard(text, { ...limits, method }));
        expect(summary(heard(cutAt(text, places), { ...limits, method }))).toEqual(whole);
        expect(summary(heard([...text], { ...limits, method }))).toEqual(whole);
      }),
    );
  });

  test('never throw, give no more content than came, and tell of a response in its order', () => {
    holds(
      fc.property(octets, cuts, methods, (text, places, method) => {
        const response = heard(cutAt(text, places), { ...limits, method });
        const { parts, rest } = response;
        expect(contentOf(response).length + rest).toBeLessThanOrEqual(text.length);
        expect(text).toContain(response.reading === 'complete' && rest > 0 ? text.slice(-rest) : '');
        expect(parts.map(({ kind }) => kind).join(' ')).toMatch(/^(interim ?){0,2}(head ?(content ?)?(end)?)?$/);
        const { framing } = headOf(response) ?? {};
        const octets = contentOf(response).length;
        if (framing?.kind === 'none') expect(octets).toBe(0);
        if (framing?.kind === 'length') expect(octets).toBeLessThanOrEqual(framing.octets);
        const isEnded = trailersOf(response) !== undefined;
        expect(isEnded).toBe(response.reading === 'complete');
        if (framing?.kind === 'length' && isEnded) expect(octets).toBe(framing.octets);
        for (const { fields } of parts.flatMap((part) => ('head' in part ? [part.head] : []))) {
          expect(fields.length).toBeLessThanOrEqual(limits.maxFields);
        }
      }),
    );
  });

  test('are a response to the reader where they are one by the letter, with the same content', () => {
    holds(
      fc.property(octets, methods, (text, method) => {
        const { messages, end } = scanResponses(Buffer.from(text, 'latin1'), [method], true);
        const final = messages.find(({ status }) => status >= 200);
        const before = messages.filter(({ status }) => status < 200);
        const isWithin = before.length <= limits.maxInterimResponses && before.every(({ status }) => status !== 101);
        const response = heard(text, { ...limits, method });
        const isTooLarge = response.reading === 'failed: http_response_header_section_size';
        if (final?.isComplete !== true || !isWithin || isTooLarge) return;
        if (final.framing === 'close') expect(named(response.reader.finish())).toBe('complete');
        else expect(response).toMatchObject({ reading: 'complete' });
        expect(contentOf(response)).toBe(final.content.toString('latin1'));
        expect(headOf(response)).toMatchObject({ status: final.status, fields: final.fields });
        expect(trailersOf(response)).toEqual(final.trailers);
        if (messages.length === before.length + 1) expect(text.length - response.rest).toBe(end);
      }),
    );
  });

  test('that the reader takes for a response are one by the letter, but for what it forgives', () => {
    holds(
      fc.property(octets, methods, (text, method) => {
        const response = heard(text, { ...limits, method });
        if (response.reading !== 'complete') return;
        const own = text.slice(0, text.length - response.rest);
        const { violation, messages } = scanResponses(Buffer.from(own, 'latin1'), [method], true);
        if (violation === undefined) {
          const final = messages.at(-1);
          expect(final?.isComplete).toBe(true);
          expect(contentOf(response)).toBe(final?.content.toString('latin1'));
        } else expect(violation).toMatch(forgiven);
      }),
    );
  });
});

/**
 * A status without a phrase and its space, or of 600 and more; a 1xx or 204 that speaks of content; a length with zeros
 * ahead; extensions that are skipped unread; trailers that go no further.
 */
const forgiven =
  /status line "HTTP\/1\.[01] (?:[6-9]\d\d.*|\d{3})"$|\d with the framing of content|Content-Length \["0\d+"\]|chunk line "[0-9a-fA-F]{1,16};|trailer /;

function summary({ parts, reading, rest }: Heard) {
  return { parts, reading, rest };
}

function holds<T>(property: fc.IProperty<T>): void {
  fc.assert(property, { seed, numRuns });
}
