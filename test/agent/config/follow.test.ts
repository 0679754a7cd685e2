// What becomes of a configuration file that has changed: put in force, or kept out with a sentence.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { follow, watchedPaths } from '../../../agent/config/follow.ts';
import type { StartOptions } from '../../../agent/config/overrides.ts';
import type { Config } from '../../../schemas/config.ts';

type Reloaded =
  | { readonly kind: 'applied'; readonly later: readonly string[] }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly because: string };

function following(
  options: StartOptions = {},
  env: Readonly<Record<string, string>> = {},
  answer: () => Reloaded = () => ({ kind: 'applied', later: [] }),
) {
  const [said, kept, configs]: [string[], string[], Config[]] = [[], [], []];
  const { onText, onGone } = follow({
    options,
    env,
    reload: async (config) => {
      configs.push(config);
      return answer();
    },
    kept: (problem) => void kept.push(problem),
    say: (sentence) => void said.push(sentence),
  });
  const says = async (text: string, isAsked = false) => {
    onText(text, '/x/edgehop.jsonc', isAsked);
    await Promise.resolve(); // what reload answers comes after this
    await Promise.resolve();
  };
  return { says, onGone, said, kept, configs };
}

test('what a file says is put in force, and said', async () => {
  const { says, said, kept, configs } = following();
  await says('{ "annotate": false } // as of today');
  expect(configs.map(({ annotate }) => annotate)).toEqual([false]);
  expect([said, kept]).toEqual([['/x/edgehop.jsonc has changed and is in force'], []]);
});

test('the command line, and the environment, come before what the file says', async () => {
  const { says, configs } = following({ edge: 'none' }, { EDGEHOP_ALLOW_PRIVATE: 'true', EDGEHOP_EDGE: 'embedded' });
  await says('{ "edge": { "use": "embedded" }, "admit": { "destinations": { "allowPrivate": false } } }');
  expect(configs[0]?.edge.use).toBe('none');
  expect(configs[0]?.admit.destinations.allowPrivate).toBe(true);
});

test('keys of the next start are named', async () => {
  const { says, said } = following({}, {}, () => ({ kind: 'applied', later: ['listen.port', 'limits.maxFields'] }));
  await says('{}');
  expect(said).toEqual([
    '/x/edgehop.jsonc has changed and is in force; heeded from the next start on: listen.port, limits.maxFields',
  ]);
});

test.each([
  ['{ "annotate": fal', /1:15: This is not JSON/],
  ['{ "anotate": false }', /1:3: Unknown key "anotate"\. Did you mean "annotate"\?/],
  ['{ "rules": [{ "then": { "route": { "edge": "nowhere" } } }] }', /nowhere/],
  ['', /it is empty/],
  [' // nothing yet\n/* or */ ', /it is empty/],
])('%j is kept out, with where it is wrong', async (text, because) => {
  const { says, said, kept, configs } = following();
  await says(text);
  expect(configs).toEqual([]);
  expect(kept).toEqual([expect.stringMatching(because)]);
  expect(said).toEqual([expect.stringMatching(because)]);
  expect(said[0]).toMatch(/What was in force before stays so\.$/);
});

test('what cannot be put in force is kept out in the same words', async () => {
  const { says, said, kept } = following({}, {}, () => ({ kind: 'refused', because: 'There is no edge "home".' }));
  await says('{}');
  expect(kept).toEqual(['There is no edge "home".']);
  expect(said).toEqual(['/x/edgehop.jsonc: There is no edge "home".\nWhat was in force before stays so.']);
});

test('a file that says what is in force is worth a word only after it did not, or to who asks', async () => {
  const { says, onGone, said } = following({}, {}, () => ({ kind: 'unchanged' }));
  await says('{}');
  expect(said).toEqual([]);
  onGone('/x/edgehop.jsonc', 'it is gone');
  await says('{}');
  await says('{}');
  await says('{}', true);
  expect(said).toEqual([
    '/x/edgehop.jsonc: it is gone.\nWhat was in force before stays so.',
    '/x/edgehop.jsonc says what is in force',
    '/x/edgehop.jsonc says what is in force',
  ]);
});

test('the file in use is watched, or those that a start would look for', () => {
  expect(watchedPaths('/x/edgehop.jsonc', {}, {}, '/w')).toEqual(['/x/edgehop.jsonc']);
  expect(watchedPaths(undefined, { config: 'c.jsonc' }, {}, '/w')).toEqual(['/w/c.jsonc']);
  expect(watchedPaths(undefined, {}, { EDGEHOP_HOME: '/h' }, '/w')).toEqual([
    join('/w', 'edgehop.jsonc'),
    join('/h', 'edgehop.jsonc'),
  ]);
});
