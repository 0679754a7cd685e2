// `edgehop cache` as a person or a script uses it: what is stored, why an answer is what it is, and how it goes away.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cacheEntries, cachePurged, cacheReport, cacheStatistics } from '../../schemas/cache-admin.ts';
import { type Home, makeHome, type RunningAgent } from '../support/command.ts';
import type { Origin } from '../support/origin.ts';
import { contentOf, startSite, untilStored } from '../support/tiers.ts';

/** Each path is the Cache-Control that it is answered with. */
function startPaths(): Promise<Origin> {
  return startSite(({ target }, number) => {
    const [directives = '', vary] = decodeURIComponent(target.slice(1)).split('|');
    return [
      [`Cache-Control: ${directives}`, 'ETag: "a"', ...(vary === undefined ? [] : [`Vary: ${vary}`])],
      `content ${number}`,
    ];
  });
}

describe('edgehop cache', () => {
  let home: Home;
  let agent: RunningAgent;
  let origin: Origin;

  beforeAll(async () => {
    home = makeHome();
    origin = await startPaths();
    agent = await home.start('--edge', 'none', '--allow-private');
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  beforeEach(async () => {
    expect((await home.run(['cache', 'purge', '--all'])).code).toBe(0);
  });

  const urlOf = (directives: string) => `${origin.url}/${encodeURIComponent(directives)}`;
  const stored = (directives: string, ...fields: string[]) =>
    untilStored(agent.port, origin, urlOf(directives), ...fields);

  async function told(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await home.run(['cache', ...args]);
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/bug/)]);
    return stdout;
  }

  test('ls lists what is stored, the latest used first, and says when there is nothing', async () => {
    expect(await home.run(['cache', 'ls'])).toEqual({ code: 0, stdout: '', stderr: 'edgehop: nothing is stored.\n' });
    await stored('max-age=6000');
    await stored('max-age=9000|Accept-Language', 'Accept-Language: de');
    const lines = (await told('ls')).trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(
        /^200 +\d+ +fresh for 2 h (?:30|29) min +memory.* http:.*Accept-Language +\(accept-language: de\)$/,
      ),
      expect.stringMatching(/^200 +\d+ +fresh for 1 h (?:40|39) min +memory.* http:.*\/max-age%3D6000$/),
    ]);
  });

  test('ls lists no more than is asked for, and only what begins so or is of a host', async () => {
    await stored('max-age=6000');
    await stored('max-age=9000|Accept-Language', 'Accept-Language: de');
    expect((await told('ls', '--limit', '1')).trimEnd()).toMatch(/^200.*\(accept-language: de\)$/);
    expect((await told('ls', urlOf('max-age='))).trimEnd().split('\n').length).toBe(2);
    expect((await told('ls', urlOf('max-age=60'))).trimEnd()).toMatch(/^200[^\n]*max-age%3D6000$/);
    const { entries } = cacheEntries.parse(
      JSON.parse(await told('ls', '--json', '--host', `127.0.0.1:${origin.port}`)),
    );
    expect(entries.map(({ url }) => url)).toEqual([urlOf('max-age=9000|Accept-Language'), urlOf('max-age=6000')]);
    expect(await told('ls', '--host', '127.0.0.1:1')).toBe('');
  });

  test('stat counts', async () => {
    await stored('max-age=6000');
    const statistics = cacheStatistics.parse(JSON.parse(await told('stat', '--json')));
    expect(statistics).toMatchObject({ agent: 'on', entries: 1, disk: { state: 'open' } });
    expect(statistics.answered.byAgent).toBeGreaterThan(0);
    expect(await told('stat')).toMatch(/^entries {3}1\nmemory {4}.* of 256 MiB, 1 entry\ndisk {6}.* of 1.00 GiB, /);
  });

  test('purge takes away what is named, and no more', async () => {
    const [one, other] = [await stored('max-age=6000'), await stored('max-age=6100')];
    expect(cachePurged.parse(JSON.parse(await told('purge', '--json', urlOf('max-age=6000'))))).toEqual({ entries: 1 });
    expect(await contentOf(agent.port, urlOf('max-age=6100'))).toBe(other);
    expect(await contentOf(agent.port, urlOf('max-age=6000'))).not.toBe(one);
    expect(await told('purge', '--prefix', `${origin.url}/max-age%3D6100`)).toMatch(/^The agent had 1 entry;/);
    expect(await contentOf(agent.port, urlOf('max-age=6100'))).not.toBe(other);
    expect(await told('purge', '--host', '127.0.0.2')).toMatch(/^The agent had 0 entries;/);
    expect(await told('purge', '--host', '127.0.0.1')).toMatch(/^The agent had 2 entries;/);
  });

  test.each([
    [['purge'], 2, /name what to purge/],
    [['purge', 'x.example', '--all'], 2, /name what to purge/],
    [['purge', '--host', 'x/y'], 2, /no host/],
    [['purge', 'ftp://x/'], 2, /no http or https URL/],
    [['ls', 'x.example', '--host', 'x.example'], 2, /not both/],
    [['ls', '--limit', '0'], 2, /from 1 to/],
    [['explain'], 2, /missing required argument/],
    [['explain', 'x.example', '-H', 'no field'], 2, /is no field/],
    [['explain', 'http://127.0.0.1:1/'], 1, /the origin did not answer/],
    [['stat', '--port', '1'], 69, /no agent is running on port 1/],
  ])('%j ends with %i and says why', async (args, status, because) => {
    const { code, stdout, stderr } = await home.run(['cache', ...args]);
    expect([code, stdout, stderr]).toEqual([status, '', expect.stringMatching(because)]);
  });

  test('explain says of a fresh response until when, and why, and asks nobody', async () => {
    await stored('max-age=3600');
    const asked = origin.requests.length;
    const words = await told('explain', urlOf('max-age=3600'));
    expect(words).toMatch(/^stored {4}200, \d+ octets, memory/m);
    expect(words).toMatch(/^now {7}answered from the cache without asking: it is fresh$/m);
    expect(words).toMatch(/^fresh {5}until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, (1 h|59 min( \d+ s)?) from now$/m);
    expect(words).toMatch(/^because {3}for 1 h \(max-age of Cache-Control\), and it is \d+ s old$/m);
    expect(origin.requests.length).toBe(asked);
  });

  test.each([
    ['max-age=6000', /^would be {2}stored, and answer without asking as long as it is fresh$/m],
    ['no-cache', /^would be {2}stored, but the origin is asked each time/m],
    ['no-store', /^would be {2}not stored: .*no-store/m],
    ['private', /^would be {2}not stored: .*private/m],
  ])('explain asks an origin that says %s, and stores nothing', async (directives, words) => {
    for (const _time of [1, 2]) {
      const asked = origin.requests.length;
      const told = await home.run(['cache', 'explain', urlOf(directives)]);
      expect(told).toMatchObject({ code: 0, stdout: expect.stringMatching(words) });
      expect(told.stdout).toContain('stored    nothing that fits\nnow       the origin is asked: ');
      expect(origin.requests.length).toBe(asked + 1);
    }
  });

  test('explain takes the fields of the request into account', async () => {
    await stored('max-age=6000|Accept-Language', 'Accept-Language: de');
    const explained = async (...args: string[]) =>
      cacheReport.parse(JSON.parse(await told('explain', '--json', urlOf('max-age=6000|Accept-Language'), ...args)));
    expect(await explained('-H', 'Accept-Language: de')).toMatchObject({ variants: 1, answer: { kind: 'fresh' } });
    const report = await explained('-H', 'Accept-Language: fr', '--header', 'X-Any: 1');
    expect(report).toMatchObject({
      variants: 1,
      selectedBy: ['accept-language'],
      answer: { kind: 'forward', because: 'vary-miss' },
      storing: { kind: 'store', next: 'fresh' },
      asked: { status: 200 },
    });
    expect(origin.requests.at(-1)?.values('x-any')).toEqual(['1']);
  });
});

describe('without a cache', () => {
  test('start --no-cache stores nothing, in neither half, and the verbs say so', async () => {
    using home = makeHome();
    await using origin = await startPaths();
    await using agent = await home.start('--no-cache', '--allow-private');
    await agent.says('is ready');
    for (const number of [1, 2, 3]) {
      expect(await contentOf(agent.port, `${origin.url}/max-age=6000`)).toBe(`content ${number}`);
    }
    expect((await home.run(['cache', 'stat'])).stdout).toMatch(/^agent {5}its cache is off\nanswered /);
    const { stdout } = await home.run(['cache', 'explain', `${origin.url}/max-age=6000`]);
    expect(stdout).toContain('stored    nothing: the agent’s cache is off\nnow       every request goes on\n');
    expect(stdout).toContain('would be  stored, ');
  });
});

test('a purge reaches the edge', async () => {
  using home = makeHome();
  home.write('edgehop.jsonc', '{ "cache": { "agent": false } }');
  await using origin = await startPaths();
  await using agent = await home.start('--allow-private');
  await agent.says('is ready');
  for (const match of [
    [`${origin.url}/max-age=6000`],
    ['--prefix', `${origin.url}/max`],
    ['--host', '127.0.0.1'],
    ['--all'],
  ]) {
    const content = await untilStored(agent.port, origin, `${origin.url}/max-age=6000`);
    expect((await home.run(['cache', 'purge', ...match])).code).toBe(0);
    expect(await contentOf(agent.port, `${origin.url}/max-age=6000`)).not.toBe(content);
  }
});
