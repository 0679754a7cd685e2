// The steps of a deployment, with wrangler, the worker, the time and the configuration as the test has them.
import { expect, test } from 'vitest';
import type { DeployNote } from '../../../agent/cli/deploy-note.ts';
import { type Deployment, type DeploymentPorts, deploy } from '../../../agent/cli/edge-deployment.ts';
import { Exit } from '../../../agent/cli/exit.ts';

const hello = {
  version: 1,
  limits: { maxHeadBytes: 1, maxEnvelopeBytes: 1 },
  cacheStore: 'memory',
  tunnels: false,
  edgeTimeMs: 0,
} as const;
const url = 'https://edgehop.me.workers.dev';
const madeToken = 'a-token-that-was-made';
const record = (...targets: string[]) => JSON.stringify({ type: 'deploy', worker_name: 'edgehop', targets });

const deployment: Deployment = {
  name: 'edgehop',
  deployArgs: ['deploy'],
  workerArgs: [],
  stored: undefined,
  url: undefined,
  mayReplace: false,
  rotates: false,
  wranglerInWords: 'npx wrangler',
};

interface World {
  /** The worker's token, as far as there is one. */
  token?: string | undefined;
  note?: string | undefined;
  /** What the worker answers before it answers as it should, one after the other. */
  readonly sentences?: string[];
  readonly targets?: readonly string[];
}

/** Ports that work, and what happened by them. A pause lets the time pass. */
function worldOf(world: World) {
  const happened: string[] = [];
  let now = 0;
  const note: DeployNote = {
    read: () => world.note,
    write: (token) => {
      happened.push(`note ${token}`);
      world.note = token;
    },
    remove: () => {
      world.note = undefined;
    },
  };
  const ports: DeploymentPorts = {
    wrangler: async (args, input) => {
      const command = args.slice(0, args[0] === 'secret' ? 2 : 1).join(' ');
      happened.push(input ? `${command} < ${input}` : command);
      const none = { code: 0, stdout: '', stderr: '', records: '' };
      if (command === 'deploy') return { ...none, records: record(...(world.targets ?? [url])) };
      if (command === 'secret list')
        return { ...none, stdout: world.token === undefined ? '[]' : '[{ "name": "EDGEHOP_TOKENS" }]' };
      if (command === 'secret put') world.token = input?.replace('owner=', '');
      return none;
    },
    check: async ({ token }) => {
      const sentence = world.sentences?.shift();
      if (sentence !== undefined) return { kind: 'unavailable', because: sentence };
      if (token === world.token) return { kind: 'answers', hello };
      return { kind: 'unavailable', because: 'The edge does not know the token.' };
    },
    clock: { now: () => now },
    pause: async (forMs) => {
      now += forMs;
    },
    makeToken: () => madeToken,
    note,
    store: (edge) => {
      happened.push(`store ${edge.url} ${edge.token}`);
      return '/home/edgehop.jsonc';
    },
    say: () => undefined,
  };
  return { ports, happened, passed: () => now };
}

test('the token is noted before the worker gets it, and stored when the worker has answered to it', async () => {
  const { ports, happened } = worldOf({});
  const deployed = await deploy(deployment, ports);
  expect(deployed.edge).toEqual({ name: 'edgehop', url, token: madeToken });
  expect(happened).toEqual([
    'whoami',
    'deploy',
    'secret list',
    `note ${madeToken}`,
    `secret put < owner=${madeToken}`,
    `store ${url} ${madeToken}`,
  ]);
});

test('a name that is not known yet, and a secret that is on its way, are waited for', async () => {
  const sentences = ["The destination's name cannot be resolved.", 'The edge has no token configured.'];
  const { ports, passed } = worldOf({ sentences });
  await deploy(deployment, ports);
  expect(passed()).toBe(4_000);
});

test('a worker that never answers as it should is told with what it last said, and the token is kept for the next run', async () => {
  const world: World = { sentences: Array(100).fill('The destination cannot be reached.') };
  const { ports, happened } = worldOf(world);
  const failure = await deploy(deployment, ports).catch((cause) => cause);
  expect(failure).toBeInstanceOf(Exit);
  expect(failure.code).toBe(69);
  expect(failure.message).toContain('The destination cannot be reached.');
  expect(failure.message).toContain('npx wrangler delete --name edgehop');
  expect(failure.message).not.toContain(madeToken);
  expect(happened.filter((each) => each.startsWith('store'))).toEqual([]);
  expect(world.note).toBe(madeToken);
});

test.each<[string, World, Partial<Deployment>, string[]]>([
  ['that was noted and put', { token: 'noted', note: 'noted' }, {}, [`store ${url} noted`]],
  [
    'that was noted, and not put',
    { note: 'noted' },
    {},
    ['note noted', 'secret put < owner=noted', `store ${url} noted`],
  ],
  [
    'that is stored, where another was noted and not put',
    { token: 'stored', note: 'noted' },
    { stored: { name: 'edgehop', url, token: 'stored' } },
    [`store ${url} stored`],
  ],
  [
    'of a rotation that was noted, in the place of the one that is stored',
    { token: 'stored', note: 'noted' },
    { stored: { name: 'edgehop', url, token: 'stored' }, rotates: true },
    ['note noted', 'secret put < owner=noted', `store ${url} noted`],
  ],
])('a run after one that broke off goes on with the token %s', async (_, world, parts, happens) => {
  const { ports, happened } = worldOf(world);
  await deploy({ ...deployment, ...parts }, ports);
  expect(happened.slice(3)).toEqual(happens);
  expect(world.note).toBeUndefined();
});

test.each<[string, World, Partial<Deployment>, string]>([
  ['tells no URL', { targets: ['schedule: 0 * * * *'] }, {}, '--url'],
  ['has tokens, and this machine none', { token: 'of-others' }, {}, '--rotate'],
  ['has tokens, and another than that of this machine', { token: 'of-others', note: 'mine' }, {}, '--rotate'],
  [
    'is elsewhere than the stored edge',
    {},
    { stored: { name: 'edgehop', url: 'https://x.example', token: 't' } },
    '--replace',
  ],
])('a worker that %s gets no token', async (_, world, parts, words) => {
  const { ports, happened } = worldOf(world);
  await expect(deploy({ ...deployment, ...parts }, ports)).rejects.toThrow(words);
  expect(happened.filter((each) => /^(secret put|store|note)/.test(each))).toEqual([]);
});

test('a stored edge keeps the one of several addresses that it has', async () => {
  const targets = [url, 'edge.example.com (custom domain)'];
  const stored = { name: 'edgehop', url: `${url}/`, token: 'old' };
  const { ports } = worldOf({ targets });
  expect((await deploy({ ...deployment, stored }, ports)).edge.url).toBe(url);
  expect((await deploy(deployment, worldOf({ targets }).ports)).edge.url).toBe('https://edge.example.com');
});
