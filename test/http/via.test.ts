// Loops show in Via and CDN-Loop, and Max-Forwards binds two methods only.
import { expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import { forwardLimit, hasPassed, hasPassedEdge, viaMember, withCdnLoop } from '../../http/via.ts';

test('a message that this hop has carried shows it', () => {
  const member = viaMember('1.1', 'edgehop-1a2b');
  expect(member).toBe('1.1 edgehop-1a2b');
  const passed = (...values: string[]) =>
    hasPassed(
      values.map((value) => ['Via', value] as const),
      'edgehop-1a2b',
    );
  expect([passed('1.0 fred', member), passed('1.0 fred')]).toEqual([true, false]);
});

test.each([
  ['joined by another hop', '1.0 fred, 1.1 edgehop-1a2b', true],
  ['in another case', '1.1 EDGEHOP-1A2B', true],
  ['with a comment', '1.1 edgehop-1a2b (edgehop)', true],
  ['with the protocol and a tab', 'HTTP/1.1\tedgehop-1a2b', true],
  ['behind an empty member', ',, 1.1 edgehop-1a2b', true],
  ['another agent', '1.1 edgehop-ffff', false],
  ['a longer name', '1.1 edgehop-1a2b3', false],
  ['in a comment only', '1.1 fred (edgehop-1a2b)', false],
  ['where the protocol stands', 'edgehop-1a2b fred', false],
])('RFC 9110 7.6.3, %s: Via: %s', (_, value, isLoop) => {
  expect(hasPassed([['via', value]], 'edgehop-1a2b')).toBe(isLoop);
});

test('an edge finds itself in CDN-Loop', () => {
  const fields = withCdnLoop([['CDN-Loop', 'cdn.example']]);
  expect(fields.at(-1)).toEqual(['CDN-Loop', 'edgehop']);
  expect(hasPassedEdge(fields)).toBe(true);
});

test.each([
  ['cdn.example, edgehop', true],
  ['EdgeHop; v="1, 2"', true],
  ['cdn.example; by="edgehop, edgehop"', false],
  ['edgehop.example', false],
])('RFC 8586 2: CDN-Loop: %s', (value, isLoop) => {
  expect(hasPassedEdge([['CDN-Loop', value]])).toBe(isLoop);
});

test.each([
  ['OPTIONS', ['0'], { kind: 'final-recipient' }],
  ['TRACE', ['0'], { kind: 'final-recipient' }],
  ['TRACE', ['1'], { kind: 'forward', left: 0 }],
  ['OPTIONS', ['010'], { kind: 'forward', left: 9 }],
  ['OPTIONS', [], { kind: 'unlimited' }],
  ['GET', ['0'], { kind: 'unlimited' }],
  ['GET', ['x'], { kind: 'unlimited' }],
  ['OPTIONS', [''], { kind: 'malformed' }],
  ['OPTIONS', ['-1'], { kind: 'malformed' }],
  ['OPTIONS', ['1', '1'], { kind: 'malformed' }],
  ['TRACE', ['99999999999'], { kind: 'malformed' }],
] as const)('RFC 9110 7.6.2: %s with Max-Forwards %j', (method, values, limit) => {
  const fields = values.map((value): Field => ['Max-Forwards', value]);
  expect(forwardLimit(method, fields)).toEqual(limit);
});
