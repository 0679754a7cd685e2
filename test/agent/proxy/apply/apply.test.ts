// What goes upstream: end-to-end fields, this hop in Via, one forward less, and nothing that is written anew.
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type ApplyPorts, createApply } from '../../../../agent/proxy/apply/apply.ts';
import type { OwnAnswer } from '../../../../agent/proxy/apply/own-answer.ts';
import type { DestinationAdmission, Judge, Plan, PlannedRequest } from '../../../../agent/proxy/ports.ts';
import type { Field, Fields } from '../../../../http/fields.ts';
import type { RequestPlan } from '../../../../http/plan/plan.ts';
import type { PassingHop } from '../../../../http/privacy.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import type { ReverseRoute } from '../../../../schemas/pool.ts';
import { plannedRequest } from '../../../support/walk.ts';

const admitted: DestinationAdmission = {
  kind: 'admitted',
  addresses: ['192.0.2.1'],
  directOnly: false,
  parent: undefined,
};
const hop: PassingHop = {
  privacy: { via: 'pseudonym', forwarded: 'off' },
  pseudonym: 'edgehop-1a2b',
  machine: 'here',
  clientPseudonym: () => 'client',
};
const via: Field = ['Via', '1.1 edgehop-1a2b'];
const notOurs: OwnAnswer = () => {
  throw new Error('this is not for edgehop itself');
};

const apply = applyWith({});

test('who asks edgehop itself is answered before rules, other hops and destinations are thought of', async () => {
  const answer: Plan = { kind: 'answer', ending: { kind: 'dropped', error: new ProxyError('dns_error', 'x') } };
  const judge: Judge = () => {
    throw new Error('a destination is judged');
  };
  const asked: unknown[] = [];
  const own = (_: unknown, reachedAt: string) => {
    asked.push(reachedAt);
    return answer;
  };
  const planned = plannedRequest({ method: 'TRACE', fields: [['Max-Forwards', 'x']], reachedAt: '127.0.0.1:8080' });
  const rules = rulesOf({ rules: ['r'], onResponse: {} }, asked);
  expect(await applyWith({ own, judge, rules })(planned)).toBe(answer);
  expect(asked).toEqual(['127.0.0.1:8080']);
});

test('end-to-end fields go on in their order, and this hop comes last', async () => {
  expect(
    await forwarded('GET', [
      ['Host', 'o.example'],
      ['Accept', '*/*'],
      ['Connection', 'close, X-Hop'],
      ['X-Hop', '1'],
      ['Cookie', 'a=1'],
      ['cookie', 'b=2'],
      ['Content-Length', '010'],
      ['Proxy-Authorization', 'Basic eDp5'],
      ['Via', '1.0 fred'],
      ['Range', 'bytes=0-1'],
    ]),
  ).toEqual([
    ['Accept', '*/*'],
    ['Cookie', 'a=1'],
    ['cookie', 'b=2'],
    ['Via', '1.0 fred'],
    ['Range', 'bytes=0-1'],
    ['Via', '1.1 edgehop-1a2b'],
  ]);
});

test('Via tells the version in which the request came (RFC 9110 7.6.3)', async () => {
  const plan = await apply(plannedRequest({ httpVersion: '1.0', fields: [] }));
  expect(plan).toMatchObject({ request: { forwardFields: [['Via', '1.0 edgehop-1a2b']] } });
});

test('RFC 9110 7.6.2: OPTIONS and TRACE go on with one forward less', async () => {
  const left = (method: string) => forwarded(method, [['max-forwards', '2']]);
  expect(await left('OPTIONS')).toContainEqual(['Max-Forwards', '1']);
  expect(await left('TRACE')).toContainEqual(['Max-Forwards', '1']);
  expect((await left('OPTIONS'))?.filter(([name]) => name.toLowerCase() === 'max-forwards').length).toBe(1);
  expect(await left('GET')).toContainEqual(['max-forwards', '2']);
});

test('a Connection field does not lift the limit', async () => {
  const fields: Field[] = [
    ['Connection', 'Max-Forwards'],
    ['Max-Forwards', '1'],
  ];
  expect(await forwarded('OPTIONS', fields)).toContainEqual(['Max-Forwards', '0']);
});

test.each([
  ['OPTIONS', '0', { kind: 'response', response: { status: 204, content: { kind: 'none' } } }],
  ['TRACE', '0', { kind: 'failed', error: { type: 'http_request_error', status: 405 }, mayRetry: false }],
  ['OPTIONS', 'x', { kind: 'failed', error: { type: 'http_request_error', status: 400 }, source: 'agent' }],
])('A25: %s with Max-Forwards %s is answered here', async (method, value, ending) => {
  const secret: Field = ['Cookie', 'secret'];
  const plan = await apply(plannedRequest({ method, fields: [['Max-Forwards', value], secret] }));
  expect(plan).toMatchObject({ kind: 'answer', ending });
  expect(JSON.stringify(plan)).not.toContain('secret');
});

describe('rules', () => {
  const edit = { kind: 'set', name: 'accept', value: 'text/html' } as const;

  test('without one that has to do with it a request goes on as ever', async () => {
    const asked: unknown[] = [];
    const fields: Field[] = [['Accept', '*/*']];
    const plan = await planned(undefined, { fields }, { asked });
    expect(plan).toMatchObject({ request: { forwardFields: [...fields, via], plan: undefined } });
    expect(asked).toEqual([
      {
        kind: 'exchange',
        method: 'GET',
        url: 'http://o.example/',
        scheme: 'http',
        host: 'o.example',
        port: 80,
        path: '/',
        fields,
        client: '127.0.0.1',
      },
    ]);
  });

  test('change end-to-end fields, ahead of what tells of this hop', async () => {
    const fields: Field[] = [
      ['Accept', '*/*'],
      ['Connection', 'accept-x'],
    ];
    const plan = await planned(
      { rules: ['r'], requestEdits: [{ rule: 'r', action: edit }], onResponse: {} },
      { fields },
    );
    expect(plan).toMatchObject({ request: { forwardFields: [['Accept', 'text/html'], via] } });
  });

  test('C09: a URL in place of the one that was asked for is what is judged and sent', async () => {
    const destinations: unknown[] = [];
    const rewrite = { rule: 'map', action: 'https://other.example:8443/a?b' };
    const request = plannedRequest({ fields: [['Host', 'o.example']] });
    const plan = await planned({ rules: ['map'], rewrite, onResponse: {} }, request, { destinations });
    expect(plan).toMatchObject({
      request: {
        url: rewrite.action,
        scheme: 'https',
        host: 'other.example',
        port: 8443,
        path: '/a?b',
        fields: request.fields,
      },
    });
    expect(destinations).toEqual([{ host: 'other.example', port: 8443, purpose: 'exchange', scheme: 'https' }]);
    expect(request.trace).toMatchObject({
      rules: ['map'],
      rewrittenUrl: rewrite.action,
      host: 'other.example',
      port: 8443,
      url: '',
    });
  });

  test.each([
    ['http://o.example/elsewhere', true],
    ['http://other.example/', false],
    ['https://o.example/', false],
    ['http://o.example:81/', false],
  ])('a reverse route is left by a URL of another origin: to %s it stays %s', async (url, stays) => {
    const reverse = { host: 'o.example', path: '/', pool: 'app', stripPath: false };
    const routes = [{ ...reverse, host: 'other.example' }, reverse];
    const destinations: unknown[] = [];
    const plan = await planned(
      { rules: [], rewrite: { rule: 'r', action: url }, onResponse: {} },
      { reverse },
      { destinations, routes },
    );
    expect(plan.kind === 'forward' && plan.request.reverse).toEqual(stays ? reverse : undefined);
    expect(destinations.length).toBe(stays ? 0 : 1);
  });

  test('a rewritten URL has its own reverse route, or none: the cache knows it by nothing else', async () => {
    const [app, api] = ['/', '/api'].map((path) => ({ host: 'o.example', path, pool: `of ${path}`, stripPath: false }));
    const rewriteTo = (path: string) =>
      planned(
        { rules: [], rewrite: { rule: 'r', action: `http://o.example${path}` }, onResponse: {} },
        { reverse: { ...app, path: '/old' } as NonNullable<PlannedRequest['reverse']> },
        { routes: path === '/elsewhere' ? [api as ReverseRoute] : ([api, app] as ReverseRoute[]) },
      );
    const plans = await Promise.all(['/api/users', '/pages', '/elsewhere'].map(rewriteTo));
    expect(plans.map((plan) => plan.kind === 'forward' && plan.request.reverse)).toEqual([api, app, undefined]);
  });

  test('the destination is judged with the plan, for the route may be another', async () => {
    const plans: unknown[] = [];
    const plan: RequestPlan = { rules: ['r'], route: { rule: 'r', action: 'direct' }, onResponse: {} };
    const judge: Judge = (_destination, _trace, given) => {
      plans.push(given);
      return admitted;
    };
    await applyWith({ judge, rules: rulesOf(plan) })(plannedRequest());
    expect(plans).toEqual([plan]);
  });

  test('an upgrade is judged as one', async () => {
    const destinations: unknown[] = [];
    await planned(undefined, {}, { destinations, purpose: 'upgrade' });
    expect(destinations).toEqual([{ host: 'o.example', port: 80, purpose: 'upgrade' }]);
  });

  test('an answer is given without a look at the destination, once little content is read', async () => {
    const destinations: unknown[] = [];
    const content = Readable.from([Buffer.alloc(5)]);
    const answer = { rule: 'r', action: { kind: 'block', block: { status: 403 } } } as const;
    const log = [{ rule: 'r', action: 'errors' }] as const;
    const request = plannedRequest({ method: 'POST', content });
    const plan = await planned({ rules: ['r'], answer, onResponse: { log } }, request, { destinations });
    expect(plan.kind).toBe('answer');
    expect(plan.kind === 'answer' && (await plan.ending)).toMatchObject({ kind: 'failed', error: { message: 'r' } });
    expect([content.readableEnded, destinations]).toEqual([true, []]);
    expect(request.trace).toMatchObject({ rules: ['r'], log: 'off' }); // what a rule blocks has not failed
  });

  test('a log that waits for the response is held back until then', async () => {
    const request = plannedRequest();
    const log = [{ rule: 'r', action: 'off', when: { status: [200] } }] as const;
    await planned({ rules: ['r'], onResponse: { log } }, request);
    expect(request.trace).toMatchObject({ rules: undefined, log: 'errors' });
  });

  test('what is refused keeps what its rules said of the log', async () => {
    const request = plannedRequest();
    const judge: Judge = () => ({ kind: 'refused', error: new ProxyError('dns_error', 'No.') });
    const rules = rulesOf({ rules: ['r'], onResponse: { log: [{ rule: 'r', action: 'off' }] } });
    expect(await applyWith({ judge, rules })(request)).toMatchObject({ ending: { error: { type: 'dns_error' } } });
    expect(request.trace).toMatchObject({ rules: ['r'], log: 'off' });
  });
});

interface Heard {
  readonly asked?: unknown[];
  readonly destinations?: unknown[];
  readonly purpose?: ApplyPorts['purpose'];
  readonly routes?: readonly ReverseRoute[];
}

async function planned(
  plan: RequestPlan | undefined,
  parts: Partial<PlannedRequest>,
  { asked = [], destinations = [], purpose = 'exchange', routes = [] }: Heard = {},
): Promise<Plan> {
  const judge: Judge = (destination) => {
    destinations.push(destination);
    return admitted;
  };
  return applyWith({ judge, purpose, routes, rules: rulesOf(plan, asked) })(plannedRequest(parts));
}

function rulesOf(plan: RequestPlan | undefined, asked: unknown[] = []): NonNullable<ApplyPorts['rules']> {
  return {
    planOf: (request) => {
      asked.push(request);
      return plan;
    },
    answer: ({ rule }) => ({
      kind: 'failed',
      error: new ProxyError('http_request_denied', rule),
      source: 'agent',
      mayRetry: false,
    }),
    shaping: { exchange: async (request, _, next) => next(request), tunnel: () => undefined },
  };
}

async function forwarded(method: string, fields: Fields): Promise<Fields | undefined> {
  const plan = await apply(plannedRequest({ method, fields }));
  return plan.kind === 'forward' ? plan.request.forwardFields : undefined;
}

function applyWith(changed: Partial<ApplyPorts>) {
  return createApply({ purpose: 'exchange', judge: () => admitted, own: notOurs, hop, ...changed });
}
