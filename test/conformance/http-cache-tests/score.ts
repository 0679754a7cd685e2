// What a result means: the suite's own judgement, in which a test says nothing when one that it depends on has failed.
import type { Kind, SuiteTest } from './suite.ts';

/** As the suite reports it: passed, or the kind of failure and its sentence. */
export type Result = true | readonly [kind: string, sentence: string];

export type Results = Readonly<Record<string, Result>>;

export type Verdict =
  | { readonly kind: 'passed' }
  /** It behaved otherwise than the test asks for. */
  | { readonly kind: 'failed'; readonly because: string }
  /** What had to happen before the question did not. */
  | { readonly kind: 'not-asked'; readonly because: string }
  | { readonly kind: 'dependency'; readonly on: string };

/** How many of a kind passed, and of how many. */
export interface Score {
  readonly passed: number;
  readonly of: number;
}

export type Verdicts = ReadonlyMap<string, Verdict>;

/** Judges every test; throws when one has no result. */
export function judge(tests: readonly SuiteTest[], results: Results): Verdicts {
  const byId = new Map(tests.map((test) => [test.id, test]));
  const verdicts = new Map<string, Verdict>();
  const verdictOf = ({ id, dependsOn }: SuiteTest): Verdict => {
    const known = verdicts.get(id);
    if (known !== undefined) return known;
    const on = dependsOn.find((name) => {
      const test = byId.get(name);
      return test === undefined || verdictOf(test).kind !== 'passed';
    });
    const verdict: Verdict = on === undefined ? alone(id, results[id]) : { kind: 'dependency', on };
    verdicts.set(id, verdict);
    return verdict;
  };
  for (const test of tests) verdictOf(test);
  return verdicts;
}

export function score(tests: readonly SuiteTest[], verdicts: Verdicts, kind: Kind): Score {
  const all = tests.filter((test) => test.kind === kind);
  return { passed: all.filter(({ id }) => verdicts.get(id)?.kind === 'passed').length, of: all.length };
}

function alone(id: string, result: Result | undefined): Verdict {
  if (result === undefined) throw new Error(`the suite has no result of ${id}`);
  if (result === true) return { kind: 'passed' };
  const [kind, because] = result;
  return { kind: kind === 'Setup' ? 'not-asked' : 'failed', because };
}
