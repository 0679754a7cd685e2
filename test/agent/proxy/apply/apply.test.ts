// What goes upstream: end-to-end fields, this hop in Via, one forward less, and nothing that is written anew.
import { expect, test } from 'vitest';
import { createApply } from '../../../../agent/proxy/apply/apply.ts';
import type { Field, Fields } from '../../../../http/fields.ts';
import { plannedRequest } from '../../../support/walk.ts';

const apply = createApply('edgehop-1a2b');

test('end-to-end fields go on in their order, and this hop comes last', () => {
  expect(
    forwarded('GET', [
      ['Host', 'o.example'],
      ['Accept', '*/*'],
      ['Connection', 'close, X-Hop'],
      ['X-Hop', '1'],
      ['Cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['Content-Length', '010'],
      ['Proxy-Authorization', 'Basic eDp5'],
      ['Via', '1.0 fred'],
      ['Range', 'bytes=0-1'],
    ]),
  ).toEqual([
    ['Accept', '*/*'],
    ['Cookie', 'a=1'],
    ['cookie', 'b=2'],
    ['Via', '1.0 fred'],
    ['Range', 'bytes=0-1'],
    ['Via', '1.1 edgehop-1a2b'],
  ]);
});

test('Via tells the version in which the request came (RFC 9110 7.6.3)', () => {
  const plan = apply(plannedRequest({ httpVersion: '1.0', fields: [] }));
  expect(plan).toMatchObject({ request: { forwardFields: [['Via', '1.0 edgehop-1a2b']] } });
});

test('RFC 9110 7.6.2: OPTIONS and TRACE go on with one forward less', () => {
  const left = (method: string) => forwarded(method, [['max-forwards', '2']]);
  expect(left('OPTIONS')).toContainEqual(['Max-Forwards', '1']);
  expect(left('TRACE')).toContainEqual(['Max-Forwards', '1']);
  expect(left('OPTIONS')?.filter(([name]) => name.toLowerCase() === 'max-forwards').length).toBe(1);
  expect(left('GET')).toContainEqual(['max-forwards', '2']);
});

test('a Connection field does not lift the limit', () => {
  const fields: Field[] = [
    ['Connection', 'Max-Forwards'],
    ['Max-Forwards', '1'],
  ];
  expect(forwarded('OPTIONS', fields)).toContainEqual(['Max-Forwards', '0']);
});

test.each([
  ['OPTIONS', '0', { kind: 'response', response: { status: 204, content: { kind: 'none' } } }],
  ['TRACE', '0', { kind: 'failed', error: { type: 'http_request_error', status: 405 }, mayRetry: false }],
  ['OPTIONS', 'x', { kind: 'failed', error: { type: 'http_request_error', status: 400 }, source: 'agent' }],
])('A25: %s with Max-Forwards %s is answered here', (method, value, outcome) => {
  const secret: Field = ['Cookie', 'secret'];
  const plan = apply(plannedRequest({ method, fields: [['Max-Forwards', value], secret] }));
  expect(plan).toMatchObject({ kind: 'answer', outcome });
  expect(JSON.stringify(plan)).not.toContain('secret');
});

function forwarded(method: string, fields: Fields): Fields | undefined {
  const plan = apply(plannedRequest({ method, fields }));
  return plan.kind === 'forward' ? plan.request.forwardFields : undefined;
}
