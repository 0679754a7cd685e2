// Random rules and random requests: plans equal those of a slow oracle that is written from docs/rules.md, and nothing crashes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isValidField } from '../../http/fields.ts';
import { editedFields, editsOf } from '../../http/plan/edit-fields.ts';
import type { ExchangeRequest } from '../../http/plan/facts.ts';
import { chosen, editsFor } from '../../http/plan/on-response.ts';
import type { RequestPlan } from '../../http/plan/plan.ts';
import { compileRules } from '../../http/plan/rules.ts';
import { compileTarget } from '../../http/plan/target.ts';
import { rule } from '../../schemas/rule.ts';
import { edits, request, response, rules, some } from '../support/rule-arbitraries.ts';
import { type Head, lists, matches, oracle, type Told } from '../support/rule-oracle.ts';
import { tunnelOf, worldOf } from '../support/rules.ts';

/** The same rules each time. `EDGEHOP_FUZZ_SEED` and `EDGEHOP_FUZZ_RUNS` make others, and more of them. */
const seed = Number(process.env['EDGEHOP_FUZZ_SEED'] ?? 20260103);
const numRuns = Number(process.env['EDGEHOP_FUZZ_RUNS'] ?? 2_000);
const timeoutMs = 30_000 + numRuns * 20;
const settings = { seed, numRuns, endOnFailure: false } as const;

test(
  'plans are those that docs/rules.md speaks of',
  () => {
    const property = fc.property(
      rules,
      request,
      response,
      fc.nat(1439),
      fc.nat(6),
      (given, asked, head, minute, weekday) => {
        const plan = compileRules(given).plan(asked, worldOf(lists, minute, weekday));
        expect(told(plan, head, asked)).toEqual(oracle(given, asked, head, { minute, weekday }));
        for (const field of plan === undefined ? [] : editedFields(asked.fields, plan.requestEdits ?? [])) {
          expect(isValidField(field)).toBe(true);
        }
      },
    );
    fc.assert(property, settings);
  },
  timeoutMs,
);

test(
  'of a tunnel only what it shows is judged',
  () => {
    const property = fc.property(rules, request, fc.nat(1439), fc.nat(6), (given, asked, minute, weekday) => {
      const { host, port, client } = asked;
      const plan = compileRules(given).plan(tunnelOf(host, port, client), worldOf(lists, minute, weekday));
      const shown = new Set(['host', 'domain', 'list', 'port', 'client', 'time', 'weekday', 'not']);
      const seen = given.filter(({ when }) =>
        [...Object.entries(when), ...Object.entries(when.not ?? {})].every(
          ([key, value]) => value === undefined || shown.has(key),
        ),
      );
      const matching = seen.filter((each) => each.enabled && matches(each, asked, { minute, weekday }));
      const first = (kind: 'block' | 'route' | 'fallback' | 'shape' | 'log') =>
        matching.find(({ then }) => then[kind] !== undefined)?.name;
      const block = first('block');
      expect([
        plan?.answer?.rule,
        plan?.route?.rule,
        plan?.fallback?.rule,
        plan?.shape?.rule,
        plan?.onResponse.log?.[0]?.rule,
      ]).toEqual([
        block,
        ...(block === undefined
          ? [first('route'), first('fallback'), first('shape')]
          : [undefined, undefined, undefined]),
        first('log'),
      ]);
      expect(
        [plan?.rewrite, plan?.requestEdits, plan?.upstream, plan?.onResponse.edits, plan?.onResponse.cache].every(
          (each) => each === undefined,
        ),
      ).toBe(true);
    });
    fc.assert(property, settings);
  },
  timeoutMs,
);

const nasty = fc.string({
  unit: fc.constantFrom(
    ...'/?#@:\\%.[]{}*& \t\r\n\0',
    '..',
    '//',
    '%0d%0a',
    '%2f',
    'a',
    'x.example',
    'é',
    '\u2028',
    'javascript:',
    'http://',
    '1',
    '-',
    '%',
  ),
  maxLength: 12,
});

test(
  'redirects and rewrites make canonical URLs without userinfo and fragment, or say why not',
  () => {
    const place = fc.constantFrom(
      '{scheme}',
      '{host}',
      '{port}',
      '{path}',
      '{query}',
      '{url}',
      '{1}',
      '{2}',
      'http://',
      'https://',
      'safe.example',
      '/',
      '?a=',
      '.',
      ':',
      '//',
    );
    const property = fc.property(
      fc.array(place, { minLength: 1, maxLength: 7 }),
      request,
      nasty,
      nasty,
      (pieces, asked, one, two) => {
        const compiled = compileTarget(pieces.join(''));
        if (compiled.kind === 'wrong') return;
        const filled = compiled.target.fill(asked, [one, two]);
        if (filled.kind === 'url') expect(isCanonical(filled.url), filled.url).toBe(true);
        else expect(filled.because).not.toMatch(/[\r\n\0]/);
      },
    );
    fc.assert(property, { ...settings, numRuns: numRuns * 4 });
  },
  timeoutMs,
);

test(
  'what was matched never takes the place of the host that a target names',
  () => {
    const property = fc.property(nasty, request, (matched, asked) => {
      for (const to of [
        'http://safe.example/{1}',
        'http://safe.example/a{1}',
        'http://safe.example/?{1}',
        'http://{1}.safe.example/',
      ]) {
        const compiled = compileTarget(to);
        const filled = compiled.kind === 'target' ? compiled.target.fill(asked, [matched]) : undefined;
        if (filled?.kind === 'url') expect(new URL(filled.url).hostname).toMatch(/(?:^|\.)safe\.example$/);
      }
    });
    fc.assert(property, { ...settings, numRuns: numRuns * 4 });
  },
  timeoutMs,
);

test(
  'edits of any fields leave valid fields, and none that the rule takes away',
  () => {
    const value = fc.string({
      unit: fc.constantFrom(
        ...' \t;=,()"/',
        'a',
        'b',
        '_ga',
        'Mozilla/5.0',
        'http://u:p@x.example/y',
        '\x80',
        '\xff',
        'é',
      ),
      maxLength: 30,
    });
    const fields = fc.array(fc.tuple(fc.constantFrom('Cookie', 'cookie', 'Referer', 'User-Agent', 'X-A'), value), {
      maxLength: 5,
    });
    const edit = fc.record(
      { ...edits, shorten: some('referer', 'user-agent'), removeCookies: some('_ga*', '*', 'a') },
      { requiredKeys: [] },
    );
    const property = fc.property(fields, edit, (given, written) => {
      const parsed = rule.safeParse({ then: { request: written } });
      if (!parsed.success) return;
      const { request: action = {} } = parsed.data.then;
      const edited = editedFields(
        given,
        editsOf(action).map((each) => ({ rule: 'a', action: each })),
      );
      for (const field of edited) expect(isValidField(field)).toBe(true);
      if (action.shorten?.includes('referer'))
        expect(edited.some(([name, text]) => name === 'Referer' && text.includes('u:p@'))).toBe(false);
      const cookies = edited.filter(([name]) => name.toLowerCase() === 'cookie').flatMap(([, text]) => text.split(';'));
      if (action.removeCookies?.includes('*')) expect(cookies).toEqual([]);
      if (action.removeCookies?.includes('_ga*'))
        expect(cookies.filter((cookie) => cookie.trim().startsWith('_ga'))).toEqual([]);
    });
    fc.assert(property, settings);
  },
  timeoutMs,
);

/** What a plan comes to once a response is there. */
function told(plan: RequestPlan | undefined, head: Head, asked: ExchangeRequest): Told {
  if (plan?.answer !== undefined)
    return { answer: [plan.answer.rule, plan.answer.action.kind], log: chosenLog(plan, plan.answer.action.kind) };
  const waiting = plan?.onResponse;
  const instead = chosen(waiting?.answer, head);
  return {
    answer: undefined,
    rewrite: plan?.rewrite && [plan.rewrite.rule, plan.rewrite.action],
    request: editedFields(asked.fields, plan?.requestEdits ?? []),
    route: plan?.route?.rule,
    fallback: plan?.fallback?.rule,
    upstream: plan?.upstream?.rule,
    shape: plan?.shape?.rule,
    instead: instead && [instead.rule, instead.action.kind],
    response: instead === undefined ? editedFields(head.fields, editsFor(waiting?.edits, head)) : undefined,
    cache: chosen(waiting?.cache, head)?.rule,
    log: chosen(waiting?.log, head)?.rule,
  };
}

/** Only a block says by itself what status it has: elsewhere candidates without conditions are compared. */
function chosenLog(plan: RequestPlan, kind: string): string | undefined {
  return kind === 'block' || kind === 'failed'
    ? undefined
    : plan.onResponse.log?.find(({ when }) => when === undefined)?.rule;
}

function isCanonical(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined &&
    url.href === text &&
    /^https?:$/.test(url.protocol) &&
    !url.username &&
    !url.password &&
    !text.includes('#')
  );
}
