// Every example of docs/rules.md does what the document says of it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import { caseResult } from '../../agent/cli/rule-cases.ts';
import { parseConfig } from '../../agent/config/load.ts';
import { compileRules } from '../../http/plan/rules.ts';
import { ruleConditions } from '../../schemas/rule.ts';
import { ruleCase, ruleCases } from '../../schemas/rule-case.ts';

const text = readFileSync(fileURLToPath(new URL('../../docs/rules.md', import.meta.url)), 'utf8');

/** What the lists of the examples have. */
const listed: Readonly<Record<string, readonly string[]>> = { ads: ['ads.example', 'stats.example'] };

interface Example {
  readonly title: string;
  readonly config: string;
  readonly cases: string;
}

function examples(): Example[] {
  return [...text.matchAll(/^```jsonc config\n(.*?)^```\n```jsonc cases\n(.*?)^```$/gms)].map((found) => ({
    title: [...text.slice(0, found.index).matchAll(/^### (.*)$/gm)].at(-1)?.[1] ?? '',
    config: found[1] as string,
    cases: found[2] as string,
  }));
}

test('every block of JSON in the document is an example with its cases', () => {
  expect(examples().length).toBe([...text.matchAll(/^```jsonc/gm)].length / 2);
  expect(examples().length).toBeGreaterThan(9);
});

describe.each(examples())('$title', ({ config, cases }) => {
  const loaded = parseConfig(config, 'rules.md');

  test('its configuration is right', () => {
    expect(loaded).toMatchObject({ kind: 'loaded' });
  });

  test.each(ruleCases.parse(parse(cases)).map((each) => [JSON.stringify(each), each] as const))('%s', (_, each) => {
    const rules = compileRules(loaded.kind === 'loaded' ? loaded.config.rules : []);
    const isListed = (list: string, host: string) => listed[list]?.includes(host) === true;
    expect(caseResult(rules, isListed, each).differences).toEqual([]);
  });

  test('each of its rules is shown by a case', () => {
    const rules = loaded.kind === 'loaded' ? loaded.config.rules : [];
    const compiled = compileRules(rules);
    const seen = ruleCases.parse(parse(cases)).flatMap((each) => {
      const taken = caseResult(compiled, (list, host) => listed[list]?.includes(host) === true, {
        ...each,
        expect: { rules: ['?'] },
      });
      return taken.differences.join();
    });
    const unseen = rules.filter(({ name }) => !seen.some((difference) => difference.includes(`"${name}"`)));
    expect(unseen.map(({ name }) => name)).toEqual([]);
  });
});

test('the document names every condition, and every key of a case', () => {
  const response = ruleConditions.shape.response.unwrap();
  const conditions = [
    ...Object.keys(ruleConditions.shape),
    ...Object.keys(response.shape).map((key) => `response.${key}`),
  ].filter((key) => key !== 'response');
  const keys = (['request', 'response', 'expect'] as const).flatMap((part) => {
    const schema = ruleCase.shape[part];
    return Object.keys('unwrap' in schema ? schema.unwrap().shape : schema.shape);
  });
  expect([...conditions, ...keys].filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
});
