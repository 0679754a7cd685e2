// The command line is laid over the file; what it does not say stays the file's.
import { expect, test } from 'vitest';
import { withOptions } from '../../../agent/config/overrides.ts';
import { config } from '../../../schemas/config.ts';

const home = { name: 'home', url: 'https://home.example', token: '0123456789abcdef' };
const file = config.parse({
  listen: { host: '::1', port: 1, controlPort: 2 },
  edge: { use: 'home', edges: [home] },
  admit: { destinations: { allow: ['10.0.0.1'], allowPrivate: true } },
  log: 'json',
  limits: { maxConnections: 5 },
});

test('without options the file stands as it is', () => {
  expect(withOptions(file, {})).toEqual(file);
});

test('every option has its place', () => {
  const options = {
    host: '127.0.0.1',
    port: 0,
    controlPort: 0,
    edge: 'none',
    allowPrivate: false,
    log: 'quiet',
  } as const;
  expect(withOptions(file, options)).toEqual({
    ...file,
    listen: { host: '127.0.0.1', port: 0, controlPort: 0 },
    edge: { ...file.edge, use: 'none' },
    admit: { destinations: { allow: ['10.0.0.1'], allowPrivate: false } },
    log: 'quiet',
  });
});

test('an edge given by URL and token comes before the file’s of the same URL', () => {
  const { edge } = withOptions(file, { edge: 'https://home.example', token: 'another token 123' });
  expect(edge.use).toBe('https://home.example');
  expect(edge.edges).toEqual([{ name: 'home.example', url: 'https://home.example', token: 'another token 123' }, home]);
});

test.each(['home', 'https://home.example'])('the file’s edge is named by %s without a token', (edge) => {
  expect(withOptions(file, { edge }).edge).toEqual({ ...file.edge, use: edge });
});

test('what only looks like a URL adds no edge', () => {
  expect(withOptions(file, { edge: 'https://', token: '0123456789abcdef' }).edge.edges).toEqual([home]);
});
