// Each attack of the list that concerns this version has a test that is named by its id.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** How many each group has. */
const groups = { A: 25, B: 15, C: 16, D: 12, E: 18, G: 14, H: 21, I: 8 } as const;
const more = ['I13'];

/** Those that belong to what there is not yet: requests are not exported as commands, and nothing updates or imports itself. */
const without = ['G11', 'G12'];

const ids = [
  ...Object.entries(groups).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, i) => `${group}${String(i + 1).padStart(2, '0')}`),
  ),
  ...more,
].filter((id) => !without.includes(id));

/** Texts in quotes that begin with or hold an id, in files of tests. */
const named = new Set(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => [
      ...readFileSync(`${root}${path}`, 'utf8').matchAll(/['"`][^'"`\n]*\b[A-I]\d{2}\b[^'"`\n]*['"`]/g),
    ])
    .flatMap(([text]) => text.match(/\b[A-I]\d{2}\b/g) ?? []),
);

test.each(ids)('%s', (id) => {
  expect([...named]).toContain(id);
});
