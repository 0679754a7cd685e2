// Writes `docs/conformance.md` of what the runs have brought.
import { explanationOf } from './explanations.ts';
import { score, type Verdict, type Verdicts } from './score.ts';
import { conditions, isOurs, type SubjectName, titles } from './subjects.ts';
import type { Kind, Suite, SuiteTest } from './suite.ts';

/** What one subject did with one edition. */
export interface Judged {
  readonly subject: SubjectName;
  readonly version: string;
  readonly verdicts: Verdicts;
}

export interface Section {
  readonly suite: Suite;
  readonly judged: readonly Judged[];
}

const kinds: readonly Kind[] = ['required', 'optimal', 'check'];
const marks: Readonly<Record<Verdict['kind'], string>> = {
  passed: '✓',
  failed: '✗',
  'not-asked': '–',
  dependency: '·',
};

export function conformancePage(sections: readonly Section[]): string {
  return `${[
    '# Conformance',
    '',
    'Written by `npm run conformance`; not to be edited.',
    '',
    'The [public suite of tests for HTTP caches](https://github.com/http-tests/cache-tests), each request sent by the port of',
    'the proxy in absolute-form. Its kinds: **required** by RFC 9111, what an **optimal** cache does, and what it merely asks',
    '(a **check** has no right answer). As the suite itself counts, a test whose dependency did not pass has not passed. Tests of',
    "browsers' caches are left out. The edition that npm has asks in places for what RFC 7234 said; a checkout of the newer one",
    'is run beside it by `npm run conformance -- --suite FOLDER`.',
    ...sections.flatMap(sectionLines),
  ].join('\n')}\n`;
}

/** What is not as we say: required tests that one of ours fails without an explanation, and explained ones that it passes. */
export function surprises({ suite, judged }: Section): readonly string[] {
  return judged
    .filter(({ subject }) => isOurs(subject))
    .flatMap(({ subject, verdicts }) =>
      suite.tests.flatMap(({ id, kind }) => {
        const verdict = verdicts.get(id);
        const isExplained = explanationOf(subject, suite.kind, id) !== undefined;
        if (verdict?.kind === 'passed')
          return isExplained ? [`${titles[subject]}: ${id} passes, yet is explained`] : [];
        return isExplained || kind !== 'required' ? [] : [`${titles[subject]}: ${id}: ${inWords(verdict)}`];
      }),
    );
}

/** The scores, for the terminal. */
export function scoreLine({ tests }: Suite, { subject, verdicts }: Judged): string {
  return `${titles[subject]}: ${kinds.map((kind) => `${kind} ${fraction(tests, verdicts, kind)}`).join(', ')}`;
}

function sectionLines({ suite, judged }: Section): readonly string[] {
  const ours = judged.filter(({ subject }) => isOurs(subject));
  return [
    '',
    `## ${suite.edition}`,
    '',
    '| | required | optimal | check: yes | set up as |',
    '|---|---|---|---|---|',
    ...judged.map(({ subject, version, verdicts }) => {
      const scores = kinds.map((kind) => fraction(suite.tests, verdicts, kind)).join(' | ');
      return `| ${`${titles[subject]} ${version}`.trim()} | ${scores} | ${conditions[subject]} |`;
    }),
    ...missedLines(suite, ours),
    '',
    '### Test by test',
    '',
    'Those that not all of the caches pass. ✓ passed (of a check: yes), ✗ not, – what was to happen before the question did not,',
    '· a dependency did not pass.',
    '',
    ...tableLines(suite.tests, judged),
  ];
}

/** The required and optimal tests that one of ours does not pass, those with one reason together. */
function missedLines(suite: Suite, ours: readonly Judged[]): readonly string[] {
  const reasons = new Map<string, { readonly tests: Set<string>; readonly subjects: Set<string> }>();
  for (const kind of ['required', 'optimal'] as const) {
    for (const { subject, verdicts } of ours) {
      for (const { id } of missed(suite.tests, verdicts, kind)) {
        const why = explanationOf(subject, suite.kind, id) ?? `${inWords(verdicts.get(id))}. **Not explained.**`;
        const { tests, subjects } = reasons.get(why) ?? { tests: new Set<string>(), subjects: new Set<string>() };
        reasons.set(why, { tests: tests.add(`\`${id}\` (${kind})`), subjects: subjects.add(titles[subject]) });
      }
    }
  }
  if (reasons.size === 0) return [];
  const lines = [...reasons].map(([why, { tests, subjects }]) => {
    const by = subjects.size === ours.length ? '' : ` (${[...subjects].join(', ')})`;
    return `- ${[...tests].join(', ')}${by}: ${why}`;
  });
  return ['', '### Required or optimal, and not passed by edgehop', '', ...lines];
}

function tableLines(tests: readonly SuiteTest[], judged: readonly Judged[]): readonly string[] {
  const caches = judged.filter(({ subject }) => subject !== 'none');
  const rows = tests.filter(({ id }) => caches.some(({ verdicts }) => verdicts.get(id)?.kind !== 'passed'));
  return [
    `| test | kind | ${caches.map(({ subject }) => titles[subject]).join(' | ')} | |`,
    `|---|---|${caches.map(() => ':-:|').join('')}---|`,
    ...rows.map(({ id, kind, name }) => {
      const cells = caches.map(({ verdicts }) => marks[verdicts.get(id)?.kind ?? 'not-asked']);
      return `| \`${id}\` | ${kind} | ${cells.join(' | ')} | ${name.replaceAll('|', '\\|')} |`;
    }),
  ];
}

function missed(tests: readonly SuiteTest[], verdicts: Verdicts, kind: Kind): readonly SuiteTest[] {
  return tests.filter((test) => test.kind === kind && verdicts.get(test.id)?.kind !== 'passed');
}

function inWords(verdict: Verdict | undefined): string {
  if (verdict === undefined || verdict.kind === 'passed') return 'passed';
  if (verdict.kind === 'dependency') return `depends on \`${verdict.on}\``;
  return verdict.because.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…');
}

function fraction(tests: readonly SuiteTest[], verdicts: Verdicts, kind: Kind): string {
  const { passed, of } = score(tests, verdicts, kind);
  return `${passed} of ${of}`;
}
