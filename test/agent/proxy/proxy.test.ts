// The walk: its phases in their order, and the one place where the unforeseen is caught.
import { expect, test } from 'vitest';
import type { Arrival, Ending, Outcome, Ports } from '../../../agent/proxy/ports.ts';
import { proxy } from '../../../agent/proxy/proxy.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { listening, plannedRequest } from '../../support/walk.ts';

const request = plannedRequest();
const answered = {
  kind: 'response',
  response: { status: 204, reason: '', fields: [], content: { kind: 'none' } },
} as const satisfies Outcome;
const denied = new ProxyError('http_request_denied', 'No.');

test('a request goes through every phase, and the observer hears of it once it is known what becomes of it', async () => {
  expect(await walked({})).toEqual({
    walk: ['accept', 'admit', 'apply', 'request received', 'applied', 'cached', 'routed', 'exchange', 'finish'],
    ending: answered,
  });
});

test('a request that is not accepted goes no further, and nobody hears of it', async () => {
  expect(await walked({ accept: () => ({ kind: 'refused', error: denied }) })).toEqual({
    walk: ['finish'],
    ending: { kind: 'failed', error: denied, source: 'agent', mayRetry: false },
  });
});

test('a request that is not admitted is heard of, and goes no further', async () => {
  expect(await walked({ admit: async () => ({ kind: 'refused', error: denied }) })).toEqual({
    walk: ['accept', 'request received', 'finish'],
    ending: { kind: 'failed', error: denied, source: 'agent', mayRetry: false },
  });
});

test('a plan that is an answer is not forwarded', async () => {
  expect(await walked({ apply: () => ({ kind: 'answer', ending: answered }) })).toEqual({
    walk: ['accept', 'admit', 'request received', 'finish'],
    ending: answered,
  });
});

test.each(['accept', 'admit', 'apply', 'exchange'] as const)(
  'what %s throws becomes proxy_internal_error, with its cause',
  async (phase) => {
    const cause = new TypeError('unforeseen');
    const { walk, ending } = await walked({
      [phase]: () => {
        throw cause;
      },
    });
    expect(walk.at(-1)).toBe('finish');
    expect(ending).toMatchObject({
      kind: 'failed',
      error: { type: 'proxy_internal_error', status: 500, cause },
      source: 'agent',
      mayRetry: false,
    });
    expect((ending as { error: Error }).error.message).not.toContain('unforeseen');
  },
);

test.each([
  ['what is stored is answered at once', { ...answered, response: { ...answered.response, isStored: true } }, true],
  ['what is not stored waits for what comes with the head', answered, false],
] as const)('%s', async (_, known, atOnce) => {
  let ending: Ending | undefined;
  const ports = portsOf({ admit: () => ({ kind: 'admitted' }), cached: () => () => known }, []);
  const finish = (_arrival: Arrival, given: Ending) => {
    ending = given;
  };
  const walk = proxy({ ...ports, finish })(arrival);
  expect(ending !== undefined).toBe(atOnce);
  await walk;
  expect(ending).toBe(known);
});

test('the walk is over when finish is', async () => {
  let release: () => void = () => undefined;
  let isOver = false;
  const finished = new Promise<void>((resolve) => {
    release = resolve;
  });
  const walk = Promise.resolve(proxy(portsOf({ finish: () => finished }, []))(arrival)).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  release();
  await walk;
});

const arrival = { trace: request.trace } as Arrival;

async function walked(changed: Partial<Ports>): Promise<{ walk: string[]; ending: Ending | undefined }> {
  const walk: string[] = [];
  let ending: Ending | undefined;
  const finish = (_: Arrival, given: Ending) => {
    walk.push('finish');
    ending = given;
  };
  await proxy(portsOf({ finish, ...changed }, walk))(arrival);
  return { walk, ending };
}

function portsOf(changed: Partial<Ports>, walk: string[]): Ports {
  const { observer, told } = listening();
  const heard = { ...observer, requestReceived: () => void walk.push('request received') };
  void told;
  return {
    observer: heard,
    accept: () => {
      walk.push('accept');
      return { kind: 'accepted', request };
    },
    admit: () => {
      walk.push('admit');
      return { kind: 'admitted' };
    },
    apply: () => {
      walk.push('apply');
      return { kind: 'forward', request };
    },
    applied: (answer) => (planned) => {
      walk.push('applied');
      return answer(planned);
    },
    cached: (forward) => (planned) => {
      walk.push('cached');
      return forward(planned);
    },
    routed: (exchange) => (planned) => {
      walk.push('routed');
      return exchange(planned, { kind: 'direct', because: 'no-edge' });
    },
    exchange: async () => {
      walk.push('exchange');
      return answered;
    },
    finish: () => undefined,
    ...changed,
  };
}
