// What people may ask rules about.
import { expect, test } from 'vitest';
import { minuteOf, supposedHead, understood } from '../../../agent/cli/rule-request.ts';

const asked = { method: 'GET', fields: [], client: '127.0.0.1' };

test.each([
  ['http://A.example/x#y', 'http://a.example/x'],
  ['a.example', 'http://a.example/'],
  ['a.example/x?y', 'http://a.example/x?y'],
  ['a.example:8080/x', 'http://a.example:8080/x'],
  ['[::1]', 'http://[::1]/'],
])('%s is an exchange', (text, url) => {
  expect(understood(text, asked)).toMatchObject({ kind: 'exchange', exchange: { url }, tunnel: undefined });
});

test('an https URL is a tunnel, too', () => {
  expect(understood('https://a.example:8443/x', asked)).toMatchObject({
    exchange: { url: 'https://a.example:8443/x' },
    tunnel: { kind: 'tunnel', host: 'a.example', port: 8443, client: '127.0.0.1' },
  });
});

test.each([
  ['a.example:443', 'a.example', 443],
  ['[::1]:8443', '[::1]', 8443],
])('%s is a tunnel', (text, host, port) => {
  expect(understood(text, asked)).toMatchObject({ kind: 'tunnel', tunnel: { host, port } });
});

test.each(['', 'ftp://a.example/', 'a b', 'http://', 'http://a..b/'])('%j is neither', (text) => {
  expect(understood(text, asked).kind).toBe('wrong');
});

test('a response is supposed where something of it is known', () => {
  expect(supposedHead({})).toBe(undefined);
  expect(supposedHead({ status: 404 })).toEqual({ status: 404, fields: [] });
  expect(supposedHead({ type: 'text/html', size: 5 })).toEqual({
    status: 200,
    fields: [
      ['Content-Type', 'text/html'],
      ['Content-Length', '5'],
    ],
  });
});

test('a time is HH:MM', () => {
  expect(['00:00', '23:59', '24:00', '9:00', 'x'].map(minuteOf)).toEqual([0, 1439, undefined, undefined, undefined]);
});
