// Validating what is stored. The cases named by the public suite carry its ids.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  freshenedByHead,
  judgeValidation,
  unconditionalFields,
  validationFields,
} from '../../../http/caching/validation.ts';
import { fieldValues } from '../../../http/fields.ts';
import { arrival, dateBefore, fieldLines, requestWith, responseWith, storedWith } from '../../support/stored.ts';

const long = `Last-Modified: ${dateBefore(100_000)}`;
const date = `Date: ${dateBefore(10)}`;
const cacheable = 'Cache-Control: max-age=2';

const entry = (lines: readonly string[], octets?: number, first?: number) => ({
  stored: storedWith([date, cacheable, ...lines], octets, first),
});

/** What a 304 with these fields makes of the entries. */
function judge(entries: readonly ReturnType<typeof entry>[], lines: readonly string[], asked = requestWith()) {
  return judgeValidation(asked, entries, responseWith(304, [`Date: ${dateBefore(0)}`, ...lines]));
}

/** The fields of the only head that is kept. */
function keptFields(entries: readonly ReturnType<typeof entry>[], lines: readonly string[], asked = requestWith()) {
  const validation = judge(entries, lines, asked);
  if (validation.kind !== 'freshened' || validation.kept.length !== 1) throw new Error(JSON.stringify(validation));
  return validation.kept[0]?.head.fields ?? [];
}

describe('the fields that ask (RFC 9111 4.3.1)', () => {
  const asking = (entries: readonly ReturnType<typeof entry>[], ...lines: string[]) =>
    validationFields(requestWith(lines), entries);

  test('conditional-etag-strong-generate: the tag as it came', () => {
    expect(asking([entry(['ETag: "abcdef"'])], 'Accept: */*')).toEqual(
      fieldLines('Accept: */*', 'If-None-Match: "abcdef"'),
    );
    expect(asking([entry(['ETag: W/"abcdef"'])])).toEqual(fieldLines('If-None-Match: W/"abcdef"'));
  });

  test('both validators of one response', () => {
    expect(asking([entry(['ETag: "a"', long])])).toEqual(
      fieldLines('If-None-Match: "a"', `If-Modified-Since: ${dateBefore(100_000)}`),
    );
  });

  test('the tags of several, each once, and then no date', () => {
    const several = [entry(['ETag: "a"', long]), entry(['ETag: "b"']), entry(['ETag: "a"']), entry([long])];
    expect(asking(several)).toEqual(fieldLines('If-None-Match: "a", "b"'));
  });

  test('not more tags than an origin takes', () => {
    const many = Array.from({ length: 100 }, (_, i) => entry([`ETag: "${i}"`]));
    expect(fieldValues(asking(many), 'if-none-match')[0]?.split(', ')).toHaveLength(16);
  });

  test("the client's own two conditions give way; its range and the origin's conditions stay", () => {
    const kept = ['Range: bytes=0-1', 'If-Range: "x"', 'If-Match: "x"'];
    const lines = ['If-None-Match: "x"', `if-modified-since: ${dateBefore(1)}`, ...kept];
    expect(asking([entry(['ETag: "a"'])], ...lines)).toEqual(fieldLines(...kept, 'If-None-Match: "a"'));
    expect(asking([entry([])], ...lines)).toEqual(fieldLines(...kept));
  });

  test('a part is only named when it could answer (RFC 9111 4.3.2)', () => {
    const part = entry(['ETag: "a"'], 10, 20);
    expect(asking([part])).toEqual([]);
    expect(asking([part], 'Range: bytes=25-40')).toEqual(fieldLines('Range: bytes=25-40'));
    expect(asking([part], 'Range: bytes=25-26')).toEqual(fieldLines('Range: bytes=25-26', 'If-None-Match: "a"'));
  });

  test('what is no date is not sent', () => {
    expect(asking([entry(['Last-Modified: yesterday'])])).toEqual([]);
  });

  test('without any client, there is nothing of a client to it', () => {
    const lines = ['If-None-Match: "x"', 'Range: bytes=0-1', 'If-Range: "x"', 'If-Match: "x"', 'Accept: */*'];
    expect(unconditionalFields(fieldLines(...lines))).toEqual(fieldLines('Accept: */*'));
  });
});

describe('which response a 304 is about (RFC 9111 4.3.4)', () => {
  const a = entry(['ETag: "a"']);
  const b = entry(['ETag: "b"']);
  const weak = entry(['ETag: W/"w"']);
  const olderWeak = entry(['ETag: W/"w"']);
  const dated = entry([long]);

  test.each([
    ['the one with its strong tag', [a, b], ['ETag: "b"'], b],
    ['the latest with its weak tag', [a, weak, olderWeak], ['ETag: W/"w"'], weak],
    ['the one whose tag the origin had weakened', [a, weak], ['ETag: "w"'], weak],
    ['the one with a strong tag that it weakens', [a, b], ['ETag: W/"b"'], b],
    ['the one with its date', [a, dated], [long], dated],
    ['the only one that was asked about', [a], [], a],
  ])('%s', (_, entries, lines, expected) => {
    const validation = judge(entries, lines);
    expect(validation).toMatchObject({ kind: 'freshened' });
    if (validation.kind === 'freshened') expect(validation.entry).toBe(expected);
  });

  test.each([
    ['E15: another tag', [a], ['ETag: "c"']],
    ['E15: another tag beside the same date', [entry(['ETag: "a"', long])], ['ETag: "c"', long]],
    ['a tag where none is known', [dated], ['ETag: "c"']],
    ['another date', [dated], [`Last-Modified: ${dateBefore(1)}`]],
    ['no validator, of two', [a, b], []],
    ['E15: nothing that was asked about', [entry([])], []],
    ['E15: nothing at all', [], ['ETag: "a"']],
    ['a part that was not asked about', [entry(['ETag: "a"'], 10, 20)], ['ETag: "a"']],
  ])('%s: none', (_, entries, lines) => {
    expect(judge(entries, lines)).toEqual({ kind: 'mismatched' });
  });

  test('all that share its strong tag, each for the requests that it was stored for', () => {
    const vary = 'Vary: Accept-Language';
    const variant = (language: string) => ({
      stored: {
        ...storedWith([date, cacheable, vary, 'ETag: "a"']),
        selecting: [['accept-language', language] as const],
      },
    });
    const [english, german] = [variant('en'), variant('de')];
    const asked = requestWith(['Accept-Language: fr']);
    const validation = judge([english, german], ['ETag: "a"', 'A: 1'], asked);
    if (validation.kind !== 'freshened') throw new Error(validation.kind);
    expect(validation.kept.map(({ head }) => head.selecting)).toEqual([
      [['accept-language', 'fr']], // the origin has chosen it for this request
      [['accept-language', 'de']],
    ]);
    const changed = judge([english, german], ['ETag: "a"', 'Vary: Cookie'], asked);
    expect(changed).toMatchObject({ kept: [{ entry: english }] });
  });

  test.each([200, 206, 404, 412, 500, 999])('%d is an answer of its own', (status) => {
    expect(judgeValidation(requestWith(), [a], responseWith(status, ['ETag: "a"']))).toEqual({ kind: 'replaced' });
  });
});

describe('the freshened head (RFC 9111 3.2)', () => {
  test('304-lm-use-stored-Test-Header: what the 304 leaves out stays', () => {
    expect(keptFields([entry([long, 'Test-Header: A'])], [long])).toContainEqual(['Test-Header', 'A']);
  });

  test.each([
    ['Test-Header', 'A', 'B'],
    ['X-Test-Header', 'A', 'B'],
    ['Content-Foo', 'A', 'B'],
    ['X-Content-Foo', 'A', 'B'],
    ['Cache-Control', 'max-age=1', 'max-age=3600'],
    ['Content-Location', '/foo', '/bar'],
    ['Content-Security-Policy', "default-src 'self'", "default-src 'self' cdn.example.com"],
    ['Content-Type', 'text/plain', 'text/plain;charset=utf-8'],
    ['Expires', 'Fri, 01 Jan 2038 01:01:01 GMT', 'Mon, 11 Jan 2038 11:11:11 GMT'],
    ['X-Frame-Options', 'deny', 'sameorigin'],
  ])('304-etag-update-response-%s: it is updated', (name, before, after) => {
    const lines = [name === 'Cache-Control' ? 'X: y' : cacheable, date, 'ETag: "1"', `${name}: ${before}`];
    const fields = keptFields([{ stored: storedWith(lines) }], ['ETag: "1"', `${name}: ${after}`]);
    expect(fieldValues(fields, name.toLowerCase())).toEqual([after]);
  });

  test.each([
    ['Content-Length', '10', '36'],
    ['Content-Encoding', 'gzip', 'br'],
    ['Content-Range', 'A', 'B'],
    ['Content-MD5', 'rL0Y20zC+Fzt72VPzMSk2A==', 'N7UdGUp1E+RbVvZSTy1R8g=='],
    ['Content-Digest', 'sha-256=:YQ==:', 'sha-256=:Yg==:'],
  ])('E15, 304-etag-update-response-%s: it is never updated, for it tells of the octets', (name, before, after) => {
    const fields = keptFields([entry(['ETag: "1"', `${name}: ${before}`])], ['ETag: "1"', `${name}: ${after}`]);
    expect(fieldValues(fields, name.toLowerCase())).toEqual([before]);
    expect(fieldValues(keptFields([entry(['ETag: "1"'])], [`${name}: ${after}`]), name.toLowerCase())).toEqual([]);
  });

  test('the tag stays as it was stored', () => {
    expect(fieldValues(keptFields([entry(['ETag: "1"'])], ['ETag: W/"1"']), 'etag')).toEqual(['"1"']);
    expect(fieldValues(keptFields([entry(['ETag: W/"1"'])], ['ETag: "1"']), 'etag')).toEqual(['W/"1"']);
  });

  test('E15: whatever comes with a 304, what tells of the octets stays as it was stored', () => {
    const names = ['Content-Length', 'content-encoding', 'CONTENT-RANGE', 'Content-MD5', 'ETag', 'A', 'Content-Type'];
    const field = fc.tuple(fc.constantFrom(...names), fc.constantFrom('1', '"1"', 'W/"1"', 'gzip'));
    fc.assert(
      fc.property(fc.array(field), fc.array(field), (lines, news) => {
        const stored = { ...storedWith([date]), fields: [...lines, ['ETag', '"1"'] as const] };
        const validation = judgeValidation(requestWith(), [{ stored }], { ...responseWith(304), fields: news });
        if (validation.kind !== 'freshened') return;
        for (const name of names.slice(0, 5).map((one) => one.toLowerCase())) {
          expect(fieldValues(validation.head.fields, name)).toEqual(fieldValues(stored.fields, name));
        }
      }),
    );
  });

  test('every line of a field is replaced by every line', () => {
    const fields = keptFields([entry(['ETag: "1"', 'A: 1', 'A: 2'])], ['a: 3', 'a: 4']);
    expect(fieldValues(fields, 'a')).toEqual(['3', '4']);
  });

  test('its age and date are those of the 304, and its times too (RFC 9111 4.2.3)', () => {
    const stored = entry(['ETag: "1"', 'Age: 30']);
    const fields = keptFields([stored], []);
    expect(fieldValues(fields, 'age')).toEqual([]);
    expect(fieldValues(fields, 'date')).toEqual([dateBefore(0)]);
    expect(fieldValues(keptFields([stored], ['Age: 7']), 'age')).toEqual(['7']);
    expect(judge([stored], [])).toMatchObject({ head: { responseTime: arrival, status: 200, reason: 'OK' } });
  });

  test('the arrival stands for a missing or unreadable Date (RFC 9110 6.6.1)', () => {
    for (const lines of [[], ['Date: now'], ['Date: now', `Date: ${dateBefore(5)}`]]) {
      const validation = judgeValidation(requestWith(), [entry(['ETag: "1"'])], responseWith(304, lines));
      if (validation.kind !== 'freshened') throw new Error(validation.kind);
      expect(fieldValues(validation.head.fields, 'date')).toEqual([dateBefore(0)]);
    }
  });

  test('a part stays the part that it is, and trailers stay', () => {
    const part = entry(['ETag: "1"', 'Content-Range: bytes 20-29/100', 'Content-Length: 10'], 10, 20);
    const asked = requestWith(['Range: bytes=20-21']);
    expect(judge([part], [], asked)).toMatchObject({
      kept: [{ head: { status: 206, part: { first: 20, completeOctets: 100 } } }],
    });
    const trailed = { stored: { ...storedWith([cacheable, 'ETag: "1"']), trailers: fieldLines('Digest: x') } };
    expect(judge([trailed], [])).toMatchObject({ kept: [{ head: { trailers: [['Digest', 'x']] } }] });
  });

  test.each([
    ['E04: a cookie', ['Set-Cookie: a=b'], ['set-cookie', 'a=b']],
    ['E12: private', ['Cache-Control: private, max-age=60'], ['cache-control', 'private, max-age=60']],
    ['E12: no-store', ['Cache-Control: no-store'], ['cache-control', 'no-store']],
    ['E05: Vary: *', ['Vary: *'], ['vary', '*']],
  ] as const)('%s that comes with a 304 is for this client alone', (_, lines, [name, value]) => {
    const validation = judge([entry(['ETag: "1"'])], lines);
    if (validation.kind !== 'freshened') throw new Error(validation.kind);
    expect(fieldValues(validation.head.fields, name)).toEqual([value]);
    expect(validation.kept).toEqual([]);
  });

  test('E12: a field that the 304 keeps to this client is not kept (RFC 9111 5.2.2.7)', () => {
    const fields = keptFields([entry(['ETag: "1"'])], ['Cache-Control: private="a", max-age=60', 'A: 1']);
    expect(fieldValues(fields, 'a')).toEqual([]);
  });

  test('E02: a 304 to a request whose fields are in no key is not kept', () => {
    expect(judge([entry(['ETag: "1"'])], ['A: evil'], requestWith(['X-Forwarded-Host: evil']))).toMatchObject({
      kept: [],
    });
  });
});

describe('HEAD (RFC 9111 4.3.5)', () => {
  const head = requestWith([], 'HEAD');
  const stored = storedWith([date, cacheable, 'ETag: "a"', long, 'Content-Length: 10', 'Template-A: 1', 'B: 1']);
  const judgeHead = (lines: readonly string[], status = 200, of = stored) =>
    freshenedByHead(head, of, responseWith(status, [`Date: ${dateBefore(0)}`, ...lines]));

  test('head-200-update, head-200-retain, head-200-freshness-update', () => {
    const result = judgeHead(['Cache-Control: max-age=1000', 'Template-A: 2', 'Content-Length: 10', 'ETag: "a"', long]);
    if (result.kind !== 'freshened') throw new Error(result.kind);
    const { fields, responseTime } = result.head;
    expect(fieldValues(fields, 'template-a')).toEqual(['2']);
    expect(fieldValues(fields, 'b')).toEqual(['1']);
    expect(fieldValues(fields, 'cache-control')).toEqual(['max-age=1000']);
    expect(responseTime).toBe(arrival);
  });

  test('without validators it is taken for the same', () => {
    expect(judgeHead([])).toMatchObject({ kind: 'freshened' });
  });

  test.each([
    ['another tag', ['ETag: "b"']],
    ['a tag that is weak now', ['ETag: W/"a"']],
    ['another date', [`Last-Modified: ${dateBefore(5)}`]],
    ['another length', ['Content-Length: 11']],
    ['two lengths', ['Content-Length: 10', 'Content-Length: 11']],
  ])('%s says that it is outdated', (_, lines) => {
    expect(judgeHead(lines)).toEqual({ kind: 'outdated' });
  });

  test('a validator where none was stored says so too', () => {
    expect(judgeHead(['ETag: "a"'], 200, storedWith([date, cacheable]))).toEqual({ kind: 'outdated' });
  });

  test('the length of a part is that of the whole', () => {
    const part = storedWith([date, cacheable], 10, 20);
    expect(judgeHead(['Content-Length: 10'], 200, part)).toEqual({ kind: 'outdated' });
    expect(judgeHead(['Content-Length: 100'], 200, part).kind).not.toBe('outdated');
  });

  test.each([304, 404, 410, 500])('%d says nothing of it (head-410-update)', (status) => {
    expect(judgeHead(['Template-A: 2'], status)).toEqual({ kind: 'unrelated' });
  });

  test('E04, E12: what must not be stored changes nothing', () => {
    expect(judgeHead(['Set-Cookie: a=b'])).toEqual({ kind: 'unrelated' });
    expect(judgeHead(['Cache-Control: private'])).toEqual({ kind: 'unrelated' });
  });

  test('E08: it never becomes a response to GET by itself', () => {
    expect(judgeHead(['Content-Length: 0'])).toEqual({ kind: 'outdated' });
  });
});
