// The environment is laid over the file, the command line over both; what they do not say stays the file's.
import { expect, test } from 'vitest';
import { optionsOf, overridings, type StartOptions, withOptions } from '../../../agent/config/overrides.ts';
import { type Config, config } from '../../../schemas/config.ts';

const home = { name: 'home', url: 'https://home.example', token: '0123456789abcdef' };
const work = { name: 'work', url: 'https://work.example:8443/', token: 'fedcba9876543210' };
const file = config.parse({
  listen: { host: '::1', port: 1, controlPort: 2 },
  edge: { use: 'home', edges: [home, work] },
  admit: { destinations: { allow: ['10.0.0.1'], allowPrivate: true } },
  log: 'json',
  limits: { maxConnections: 5 },
});

function configured(options: StartOptions, from: Config = file): Config {
  const result = withOptions(from, options);
  if (result.kind === 'wrong') throw new Error(result.because);
  return result.config;
}

test('without options the file stands as it is', () => {
  expect(configured({})).toEqual(file);
});

test('every option has its place', () => {
  const options = {
    host: '127.0.0.1',
    port: 0,
    controlPort: 0,
    edge: 'none',
    allowPrivate: false,
    cache: false,
    log: 'quiet',
  } as const;
  expect(configured(options)).toEqual({
    ...file,
    listen: { host: '127.0.0.1', port: 0, controlPort: 0 },
    edge: { ...file.edge, use: 'none' },
    cache: { agent: false, edge: 'off' },
    admit: { ...file.admit, destinations: { allow: ['10.0.0.1'], allowPrivate: false } },
    log: 'quiet',
  });
});

test('a cache that is not turned off stays as the file has it', () => {
  const cached = config.parse({ cache: { agent: { memoryBytes: 5 }, edge: 'off' } });
  expect(configured({ cache: true }, cached)).toEqual(cached);
});

const token = 'another token 123';

test('an edge given by URL and token is added to the file’s', () => {
  const { edge } = configured({ edge: 'https://new.example/', token });
  expect(edge.use).toBe('https://new.example/');
  expect(edge.edges).toEqual([{ name: 'new.example', url: 'https://new.example/', token }, home, work]);
});

test.each(['work', 'https://work.example:8443', 'https://WORK.example:8443/'])(
  'the file’s edge is named by %s without a token',
  (edge) => {
    expect(configured({ edge }).edge).toEqual({ ...file.edge, use: 'work' });
  },
);

test.each([{ edge: 'work' }, { edge: 'https://work.example:8443' }])(
  'a token goes to the file’s edge %j',
  (options) => {
    expect(configured({ ...options, token }).edge).toEqual({
      ...file.edge,
      use: 'work',
      edges: [home, { ...work, token }],
    });
  },
);

test('a token alone goes to the edge that the file uses', () => {
  expect(configured({ token }).edge).toEqual({ ...file.edge, edges: [{ ...home, token }, work] });
});

test.each([
  [{ edge: 'home', token: 'short' }, /token.*16 characters/],
  [{ token: 'x'.repeat(15) }, /token.*16 characters/],
  [{ edge: 'https://new.example' }, /needs its token.*--token/],
  [{ edge: 'https://', token }, /URL of the edge.*http or https URL/],
  [{ edge: 'https://new.example/v1/exchange', token }, /no path and no userinfo/],
  [{ edge: 'https://me:secret@new.example', token }, /no path and no userinfo/],
  [{ edge: 'https://new.example/?token=secret', token }, /no path/],
])('%j is refused with a sentence that repeats no secret', (options, because) => {
  const result = withOptions(file, options);
  expect(result).toEqual({ kind: 'wrong', because: expect.stringMatching(because) });
  expect(JSON.stringify(result)).not.toContain('secret');
});

test('an edge that nobody knows stays for who looks for it', () => {
  expect(configured({ edge: 'nowhere' }).edge.use).toBe('nowhere');
});

test('every option can be given by the environment, and means the same', () => {
  const read = optionsOf({
    EDGEHOP_CONFIG: 'c.jsonc',
    EDGEHOP_HOST: '::1',
    EDGEHOP_PORT: '0',
    EDGEHOP_CONTROL_PORT: '65535',
    EDGEHOP_EDGE: 'work',
    EDGEHOP_TOKEN: token,
    EDGEHOP_ALLOW_PRIVATE: 'false',
    EDGEHOP_CACHE: 'false',
    EDGEHOP_LOG: 'quiet',
    EDGEHOP_HOME: '/not/an/option',
    PATH: '/bin',
  });
  expect(read).toEqual({
    kind: 'read',
    options: {
      config: 'c.jsonc',
      host: '::1',
      port: 0,
      controlPort: 65_535,
      edge: 'work',
      token,
      allowPrivate: false,
      cache: false,
      log: 'quiet',
    },
  });
  expect(Object.keys((read as { options: object }).options).sort()).toEqual(
    overridings.map(({ option }) => option).sort(),
  );
});

test('a variable that is empty counts as not set', () => {
  expect(optionsOf({ EDGEHOP_PORT: '', EDGEHOP_TOKEN: '' })).toEqual({ kind: 'read', options: {} });
});

test.each([
  [{ EDGEHOP_PORT: '65536' }, 'EDGEHOP_PORT is a port from 0 to 65535, not "65536".'],
  [{ EDGEHOP_CONTROL_PORT: '8e3' }, 'EDGEHOP_CONTROL_PORT is a port from 0 to 65535, not "8e3".'],
  [{ EDGEHOP_ALLOW_PRIVATE: '0' }, 'EDGEHOP_ALLOW_PRIVATE is one of true, false, not "0".'],
  [{ EDGEHOP_ALLOW_PRIVATE: 'toString' }, 'EDGEHOP_ALLOW_PRIVATE is one of true, false, not "toString".'],
  [{ EDGEHOP_CACHE: 'off' }, 'EDGEHOP_CACHE is one of true, false, not "off".'],
  [{ EDGEHOP_LOG: 'xml' }, 'EDGEHOP_LOG is one of pretty, json, quiet, not "xml".'],
])('%j is refused, and named', (env, because) => {
  expect(optionsOf(env)).toEqual({ kind: 'wrong', because });
});
