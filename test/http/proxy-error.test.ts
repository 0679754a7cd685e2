// An error keeps its type, status, sentences and cause, over a boundary too.
import { expect, test } from 'vitest';
import { errorFromShape, errorShape, ProxyError } from '../../http/proxy-error.ts';
import { proxyErrorShape } from '../../schemas/error.ts';

test('the status is the recommended one unless the error says otherwise', () => {
  expect(new ProxyError('connection_timeout', 'Too late.').status).toBe(504);
  expect(new ProxyError('http_request_error', 'Too large.', { status: 431 }).status).toBe(431);
});

test('an error keeps what caused it', () => {
  const cause = new Error('ECONNREFUSED');
  expect(new ProxyError('connection_refused', 'Refused.', { cause }).cause).toBe(cause);
});

test.each([{}, { advice: 'Do it again.' }, { status: 599 }])('an error with %j crosses a boundary', (details) => {
  const error = new ProxyError('dns_error', 'No such name.', details);
  const shape = proxyErrorShape.parse(JSON.parse(JSON.stringify(errorShape(error))));
  expect(errorShape(errorFromShape(shape))).toEqual(errorShape(error));
  expect('advice' in shape).toBe('advice' in details);
});

test('what crosses a boundary holds no cause and no stack', () => {
  const error = new ProxyError('dns_error', 'No such name.', { cause: new Error('secret') });
  expect(errorShape(error)).toEqual({ type: 'dns_error', status: 502, message: 'No such name.' });
});
