// Generations: a URL's changes with each purge that concerns it, to one it never had, and outlives restarts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGenerations } from '../../../agent/cache/generations.ts';
import { scratchFolder } from '../../support/cache-store.ts';

const url = 'https://a.com/x/y';

test('before any purge there is none, and no file', () => {
  const file = join(scratchFolder(), 'state', 'purges.json');
  expect(openGenerations({ file, wallTime: () => 5 }).of(url)).toBe('');
  expect(existsSync(file)).toBe(false);
});

test.each([
  [{ kind: 'all' }, [url, 'https://a.com/', 'http://b.com/'], []],
  [{ kind: 'url', url }, [url], ['https://a.com/x', `${url}z`]],
  [{ kind: 'prefix', prefix: 'https://a.com/x' }, [url, 'https://a.com/xx'], ['http://a.com/x', 'https://a.com/']],
  [{ kind: 'host', host: 'A.com' }, [url, 'http://a.com:8080/'], ['https://b.a.com/', 'https://b.com/a.com']],
  [{ kind: 'host', host: 'a.com:8080' }, ['http://a.com:8080/'], [url]],
  [{ kind: 'host', host: '[::1]' }, ['http://[::1]/', 'http://[::1]:80/'], ['http://[::2]/']],
] as const)('%j concerns what it matches, after a restart too', (match, concerned, others) => {
  const options = { file: join(scratchFolder(), 'state', 'purges.json'), wallTime: () => 1_000 };
  const generations = openGenerations(options);
  generations.purge(match);
  for (const each of [generations, openGenerations(options)]) {
    expect(concerned.map((one) => each.of(one))).toEqual(concerned.map(() => '1000'));
    expect(others.map((one) => each.of(one))).toEqual(others.map(() => ''));
  }
});

test('each is new, though the clock stands or goes back', () => {
  const file = join(scratchFolder(), 'purges.json');
  let now = 1_000;
  const seen = new Set<string>();
  for (let i = 0; i < 10; i++) {
    const generations = openGenerations({ file, wallTime: () => now-- });
    for (const match of [{ kind: 'url', url }, { kind: 'host', host: 'a.com' }, { kind: 'all' }] as const) {
      generations.purge(match);
      seen.add(generations.of(url));
    }
  }
  expect(seen.size).toBe(30);
});

test('E16: there is a bound, beyond which more is purged and never less', () => {
  const file = join(scratchFolder(), 'purges.json');
  const urls = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`http://a.com/${i}`, 1_000 + i]));
  writeFileSync(file, JSON.stringify({ all: 0, hosts: {}, urls, prefixes: {} }));
  const generations = openGenerations({ file, wallTime: () => 2_000 });
  expect(generations.of('http://b.com/')).toBe('');
  generations.purge({ kind: 'url', url: 'http://a.com/1000' });
  expect(generations.of('http://a.com/0')).toBe('1000');
  expect(generations.of('http://b.com/')).toBe('1000');
  expect(generations.of('http://a.com/1000')).toBe('2000');
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).urls)).toHaveLength(1_000);
});

test('two agents do not forget the purges of each other', () => {
  const file = join(scratchFolder(), 'purges.json');
  const [one, other] = [openGenerations({ file, wallTime: () => 5 }), openGenerations({ file, wallTime: () => 9 })];
  one.purge({ kind: 'host', host: 'a.com' });
  other.purge({ kind: 'host', host: 'b.com' });
  const again = openGenerations({ file, wallTime: () => 1 });
  expect([again.of('http://a.com/'), again.of('http://b.com/')]).toEqual(['5', '9']);
});

test('a file that cannot be read counts as none, one that cannot be written is told, and the purge holds all the same', () => {
  const file = join(scratchFolder(), 'purges.json');
  writeFileSync(file, '{"all": -1}');
  expect(openGenerations({ file, wallTime: () => 5 }).of(url)).toBe('');
  const unwritable = openGenerations({ file: join(file, 'purges.json'), wallTime: () => 5 });
  expect(() => unwritable.purge({ kind: 'all' })).toThrow();
  expect(unwritable.of(url)).toBe('5');
});
