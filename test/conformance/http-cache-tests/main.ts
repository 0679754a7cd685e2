// `npm run conformance`: the public suite for HTTP caches through Squid and through us, written to docs/conformance.md.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { conformancePage, type Judged, type Section, scoreLine, surprises } from './page.ts';
import { runSuite } from './run.ts';
import { judge } from './score.ts';
import { type SubjectName, subjectNames } from './subjects.ts';
import { installSuite, type Suite, suiteIn } from './suite.ts';

const usage = `npm run conformance -- [--suite FOLDER [--edition WORDS]] [--only NAME,...] [--test ID]
  --suite    also runs the edition of the suite in this folder, a checkout
  --edition  what the page calls it
  --only     ${subjectNames.join(', ')}: the page is not written
  --test     this test alone, with all that is sent and received
Runs the edition of the suite that npm has. Exit status 1 when one of our required
tests fails without an explanation, or an explained one passes.`;
const page = new URL('../../../docs/conformance.md', import.meta.url);

process.exitCode = await main();

async function main(): Promise<number> {
  const { suite, edition, only, test } = options();
  const names = only === undefined ? subjectNames : subjectNames.filter((name) => only.split(',').includes(name));
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
  await using cleanUp = new AsyncDisposableStack();
  const scratch = await mkdtemp(join(tmpdir(), 'edgehop-conformance-'));
  cleanUp.defer(() => rm(scratch, { recursive: true, force: true, maxRetries: 5 }));

  const place = { scratch, signal: ending.signal };
  const suites = [
    ...(suite === undefined ? [] : [await suiteIn(suite, edition ?? suite)]),
    await installSuite(scratch),
  ];
  if (test !== undefined) return await runOne(suites, names, test, place); // the folder is needed until then
  const sections: Section[] = [];
  for (const suite of suites) sections.push({ suite, judged: await judgeAll(suite, names, place) });
  if (only === undefined) await writeFile(page, conformancePage(sections));
  const wrong = sections.flatMap(surprises);
  for (const sentence of wrong) console.error(sentence);
  return wrong.length === 0 ? 0 : 1;
}

async function judgeAll(
  suite: Suite,
  names: readonly SubjectName[],
  place: { readonly scratch: string; readonly signal: AbortSignal },
): Promise<readonly Judged[]> {
  console.log(`${suite.edition}, ${suite.tests.length} tests`);
  const all: Judged[] = [];
  for (const subject of names) {
    const { version, results } = await runSuite(suite, subject, place);
    const judged = { subject, version, verdicts: judge(suite.tests, results) };
    console.log(scoreLine(suite, judged));
    all.push(judged);
  }
  return all;
}

/** Prints what happens in one test, in the first edition that has it. */
async function runOne(
  suites: readonly Suite[],
  names: readonly SubjectName[],
  test: string,
  place: { readonly scratch: string; readonly signal: AbortSignal },
): Promise<number> {
  const suite = suites.find(({ tests }) => tests.some(({ id }) => id === test));
  if (suite === undefined) {
    console.error(`no edition has a test "${test}"`);
    return 2;
  }
  for (const name of names) {
    const { results } = await runSuite(suite, name, { ...place, only: test });
    console.log(name, results[test]);
  }
  return 0;
}

function options() {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({ options: { suite: text, edition: text, only: text, test: text } }).values;
  } catch (cause) {
    console.error(`${cause instanceof Error ? cause.message : cause}\n${usage}`);
    process.exit(2);
  }
}
