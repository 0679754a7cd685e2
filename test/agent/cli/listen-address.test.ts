// Where a verb listens: loopback and nothing else, however it is written.
import { expect, test } from 'vitest';
import { parseListenAddress } from '../../../agent/cli/listen-address.ts';

test.each([
  ['5000', '127.0.0.1', 5000],
  ['0', '127.0.0.1', 0],
  ['65535', '127.0.0.1', 65_535],
  ['127.0.0.1:5000', '127.0.0.1', 5000],
  ['127.8.9.10:1', '127.8.9.10', 1],
  ['localhost:5000', '127.0.0.1', 5000],
  ['LOCALHOST:5000', '127.0.0.1', 5000],
  ['[::1]:5000', '::1', 5000],
  ['[0:0:0:0:0:0:0:1]:5000', '::1', 5000],
])('%s is %s, port %i', (text, host, port) => {
  expect(parseListenAddress(text)).toEqual({ kind: 'address', host, port });
});

test.each([
  '0.0.0.0:5000',
  '[::]:5000',
  '192.168.1.2:5000',
  'example.com:5000',
  '127.0.0.1.example.com:5000',
  '[::ffff:127.0.0.1]:5000',
  '[::ffff:0:0]:5000',
  '127.1:5000',
  ':5000',
  '@:5000',
])('%s is refused, for it is no loopback address', (text) => {
  expect(parseListenAddress(text)).toEqual({ kind: 'wrong', because: expect.stringMatching(/loopback/) });
});

test.each([
  '',
  'x',
  '5000x',
  '-1',
  '+1',
  '1e3',
  '127.0.0.1',
  '127.0.0.1:',
  '::1:5000',
  '[::1]',
  '1:2:3',
  '123456',
  '65536',
])('"%s" is no port to listen on', (text) => {
  expect(parseListenAddress(text)).toEqual({ kind: 'wrong', because: expect.stringMatching(/PORT|65535/) });
});
