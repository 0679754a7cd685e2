// The suite's client, run as a process of its own, since its tests change while they run: folder, origin, proxy, test.
import { registerHooks } from 'node:module';
import { fetchBy } from './fetch.ts';
import type { Result } from './score.ts';
import { engineIn, importFrom, type RawGroup, rawGroups } from './suite.ts';

interface Runner {
  /** Older editions are given their fetch. */
  readonly runTests: (groups: readonly RawGroup[], ...rest: readonly unknown[]) => Promise<void>;
  readonly getResults: () => Readonly<Record<string, Result>>;
}

const [folder = '', origin = '', proxyPort = '', only] = process.argv.slice(2);
const fetchProxied = fetchBy(proxyPort === '' ? undefined : Number(proxyPort));
const stub = new URL('undici.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'undici' ? { url: stub, format: 'module-typescript', shortCircuit: true } : next(specifier, context),
});
Object.assign(globalThis, { fetch: fetchProxied });

const groups = chosen(await rawGroups(folder));
const engine = engineIn(folder);
const { runTests, getResults } = await importFrom<Runner>(engine.folder, 'client/runner.mjs');
await (engine.kind === 'newer' ? runTests(groups, false, origin) : runTests(groups, fetchProxied, false, origin));
process.send?.(getResults(), () => process.exit());

/** All, or one with everything that it sends and receives printed. */
function chosen(all: readonly RawGroup[]): readonly RawGroup[] {
  if (only === undefined) return all;
  return all.map((group) => ({
    ...group,
    tests: group.tests.filter(({ id }) => id === only).map((test) => Object.assign(test, { dump: true })),
  }));
}
