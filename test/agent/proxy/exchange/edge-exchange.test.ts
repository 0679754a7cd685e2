// By way of the edge: what the agent hands over, and that only a valid envelope is taken for the edge's word.
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createEdgeExchange } from '../../../../agent/proxy/exchange/edge-exchange.ts';
import type {
  EdgeLink,
  Outcome,
  PlannedRequest,
  UpstreamAnswer,
  UpstreamRequest,
} from '../../../../agent/proxy/ports.ts';
import { packEnvelope, unpackEnvelope } from '../../../../http/envelope.ts';
import { onlyValue } from '../../../../http/fields.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import type { ErrorType } from '../../../../schemas/error.ts';
import { maxAddresses, maxEnvelopeBytes, requestEnvelope } from '../../../../schemas/relay.ts';
import { transform } from '../../../../schemas/transform.ts';
import {
  contentOf,
  epochMs,
  limits,
  listening,
  plannedRequest,
  receivedOf,
  stillClock,
} from '../../../support/walk.ts';

const route = { kind: 'edge', edge: 'home', because: 'configured' } as const;
const stages = { 'edge-received': epochMs + 9, 'edge-returned': epochMs + 10 };
const failure = { type: 'destination_unavailable', status: 502, message: 'Not there.' } as const;
const whole = { kind: 'response', status: 200, reason: 'OK', fields: [], content: { kind: 'none' }, stages } as const;

test.each([
  ['B11: a field that would split', ['Location', '\r\nSet-Cookie: a=1']],
  ['a name that is no token', ['a b', '']],
] as const)('%s does not come out of an envelope', async (_, field) => {
  const { outcome } = await exchanged(plannedRequest(), replied({ ...whole, fields: [field] }));
  expect(outcome).toMatchObject({
    kind: 'failed',
    source: 'edge',
    error: { type: 'http_protocol_error', status: 502 },
  });
});

describe('what the edge is asked', () => {
  test('one POST carries the token, the envelope and the content', async () => {
    const content = Readable.from(['12345']);
    const request = plannedRequest({ method: 'PUT', framing: { kind: 'length', octets: 5 }, content });
    const { sent, told } = await exchanged(request, replied(whole));
    expect(sent).toMatchObject([
      { origin: 'http://edge', method: 'POST', path: '/v1/exchange', content, headDeadlineMs: 12_000 },
    ]);
    expect(fieldOf(sent[0], 'authorization')).toBe('Bearer the token');
    expect(sent[0]?.framing).toEqual({ kind: 'length', octets: 5 });
    expect(envelopeOf(sent[0])).toEqual({
      id: '1a2b-7',
      method: 'PUT',
      url: 'http://o.example/',
      fields: [['Via', '1.1 edgehop-1a2b']],
      content: true,
      upstream: 'fetch',
      limits: {
        connectTimeoutMs: 1_000,
        idleTimeoutMs: 1_000,
        maxHeadBytes: 65_536,
        maxFields: 100,
        maxInterimResponses: 10,
      },
      headDeadlineMs: 1_000,
    });
    expect(told).toEqual(['request relayed', 'response received']);
  });

  test('C03: an embedded edge is told the addresses that were checked, a deployed one is not', async () => {
    const addresses = ['2001:db8::1', '::ffff:192.0.2.1', ...Array.from({ length: 40 }, (_, i) => `192.0.2.${i + 2}`)];
    const request = plannedRequest({ addresses });
    const embedded = await exchanged(request, replied(whole), { embedded: true });
    expect(envelopeOf(embedded.sent[0]).addresses?.slice(0, 3)).toEqual(['2001:db8::1', '192.0.2.1', '192.0.2.2']);
    expect(envelopeOf(embedded.sent[0]).addresses).toHaveLength(maxAddresses);
    expect(envelopeOf((await exchanged(request, replied(whole))).sent[0]).addresses).toBeUndefined();
  });

  test('a client that takes trailers asks the edge for them', async () => {
    const request = plannedRequest({ fields: [['TE', 'gzip, trailers;q=1']] });
    expect(envelopeOf((await exchanged(request, replied(whole))).sent[0]).fields).toEqual([
      ['Via', '1.1 edgehop-1a2b'],
      ['TE', 'trailers'],
    ]);
  });

  test('the upstream that is configured is told', async () => {
    const { sent } = await exchanged(plannedRequest(), replied(whole), {}, 'socket');
    expect(envelopeOf(sent[0]).upstream).toBe('socket');
  });

  test("the edge's cache is told what it may do, by the URL's generation, and nothing where it is off", async () => {
    const generation = (url: string) => `7 ${url}`;
    const cacheOf = async (parts: Partial<PlannedRequest>, isOn = true) => {
      const cache = isOn ? { generation } : {};
      return envelopeOf((await exchanged(plannedRequest(parts), replied(whole), {}, 'fetch', cache)).sent[0]).cache;
    };
    expect(await cacheOf({})).toEqual({ mode: 'use', generation: '7 http://o.example/' });
    expect(await cacheOf({ edgeCache: 'validate' })).toEqual({ mode: 'validate', generation: '7 http://o.example/' });
    expect(await cacheOf({ edgeCache: 'off' })).toBeUndefined();
    expect(await cacheOf({}, false)).toBeUndefined();
  });

  test("what the edge's cache did is in the record, beside what ours did", async () => {
    const request = plannedRequest();
    request.trace.cache = { agent: { fwd: 'stale' } };
    await exchanged(request, replied({ ...whole, cache: { hit: true, ttl: 7 } }));
    expect(request.trace.cache).toEqual({ agent: { fwd: 'stale' }, edge: { hit: true, ttl: 7 } });
  });

  test('D02: the token is in no part of what goes on to the origin', async () => {
    const { sent } = await exchanged(plannedRequest(), replied(whole));
    expect(JSON.stringify(envelopeOf(sent[0]))).not.toContain('the token');
  });

  test('a head that no envelope can hold is refused with 431, and the edge is not asked', async () => {
    const forwardFields = [['X', 'x'.repeat(maxEnvelopeBytes)]] as const;
    const { outcome, sent } = await exchanged(plannedRequest({ forwardFields }), replied(whole));
    expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'http_request_error', status: 431 } });
    expect(sent).toEqual([]);
  });

  test('it is told whose fault it is: that of the rules where the head alone would fit', async () => {
    const plan = (style: string) => {
      const action = transform.parse({ inject: { style } });
      const candidates = [
        { rule: 'r', when: { status: [200] }, action },
        { rule: 'r', action },
      ];
      return { rules: ['r'], onResponse: { transform: candidates }, transformKey: 'k' };
    };
    const { outcome } = await exchanged(
      plannedRequest({ plan: plan('x'.repeat(maxEnvelopeBytes / 2)) }),
      replied(whole),
    );
    expect(outcome).toMatchObject({ error: { type: 'proxy_configuration_error', status: 502 } });
    const forwardFields = [['X', 'x'.repeat(maxEnvelopeBytes)]] as const;
    const both = await exchanged(plannedRequest({ forwardFields, plan: plan('x') }), replied(whole));
    expect(both.outcome).toMatchObject({ error: { type: 'http_request_error', status: 431 } });
  });

  test('an edge that is not there is told as it is, before the client sends content', async () => {
    const error = new ProxyError('destination_unavailable', 'Not running.');
    let continued = false;
    const request = plannedRequest({
      continue: () => {
        continued = true;
      },
    });
    const { outcome } = await exchanged(request, replied(whole), {
      ready: async () => ({ kind: 'unavailable', error }),
    });
    expect(outcome).toEqual({
      ...{ kind: 'failed', error, source: 'agent', mayRetry: false },
      edgeFault: { because: 'edge-down', isHarmless: true },
    });
    expect(continued).toBe(false);
  });
});

describe('what is not the edge’s word', () => {
  test.each([
    ['a captive portal that answers 200', { status: 200 }, /not an edgehop worker/],
    ['a page not found', { status: 404 }, /not an edgehop worker/],
    ['a redirect to a login page', { status: 302, fields: envelopeFields(whole) }, /not an edgehop worker/],
    ['an envelope that is not base64url', { fields: { 'edgehop-envelope-0': '<html>' } }, /not an edgehop worker/],
    ['an envelope that is not JSON', { fields: { 'edgehop-envelope-0': 'AAAA' } }, /version 1/],
    ['an envelope of another version', { fields: envelopeFields({ ...whole, version: 2 }) }, /version 1/],
    ['401', { status: 401 }, /does not know the token/],
    ['503', { status: 503 }, /no token configured/],
  ] as const)('%s is relayed to nobody', async (_, parts, message) => {
    const answer = replied(undefined, parts);
    const request = plannedRequest();
    const { outcome } = await exchanged(request, answer);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: {
        type: 'proxy_configuration_error',
        status: 502,
        message: expect.stringMatching(message),
        advice: expect.any(String),
      },
      source: 'agent',
      mayRetry: false,
    });
    expect(answer.content.wasCancelled).toBe(true);
    expect(request.trace.edge).toBeUndefined();
  });
});

describe('what the edge answers', () => {
  test.each([
    [100, 'response'],
    [101, 'failed'],
  ])('%i field lines, of which 100 are allowed, are a %s', async (count, kind) => {
    const fields = Array.from({ length: count }, (_, i) => [`X-${i}`, '']);
    const { outcome } = await exchanged(plannedRequest(), replied({ ...whole, fields }));
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === 'failed') expect(outcome.error.type).toBe('http_response_header_section_size');
  });

  test('its stages, clock and data centre stand in the trace', async () => {
    const request = plannedRequest();
    await exchanged(request, replied({ ...whole, colo: 'FRA' }));
    expect(request.trace).toMatchObject({
      edge: { stages, offsetMs: 4, errorMs: 1 },
      route: { ...route, colo: 'FRA' },
      stamps: { 'request-relayed': 7, 'response-received': 7 },
    });
  });

  test('its own connection to the origin stands in the trace, and the address is certain', async () => {
    const upstream = { kind: 'socket', because: 'method', connectMs: 1, tls: true, address: '192.0.2.9' } as const;
    for (const envelope of [
      { ...whole, upstream },
      { kind: 'failed', error: failure, stages, upstream },
    ]) {
      const request = plannedRequest();
      await exchanged(request, replied(envelope));
      expect(request.trace).toMatchObject({
        edge: { upstream },
        address: '192.0.2.9',
        addressKnownBy: 'socket',
      });
    }
  });

  test('interim responses go on ahead of the final one, but not with what no field may be', async () => {
    const heard: unknown[] = [];
    const request = plannedRequest({ interim: (...all) => void heard.push(all) });
    const interim = [
      { status: 103, fields: [['Link', '</a>']] },
      { status: 103, fields: [['Link', '</b>\r\nX: y']] },
      { status: 102, fields: [] },
    ];
    const { outcome } = await exchanged(request, replied({ ...whole, interim }));
    expect(outcome.kind).toBe('response');
    expect(heard).toEqual([
      [103, [['Link', '</a>']]],
      [102, []],
    ]);
  });

  test('content of a known length is counted', async () => {
    const response = { ...whole, content: { kind: 'length', octets: 3 } } as const;
    const { outcome } = await exchanged(plannedRequest(), replied(response, { pieces: ['ab'] }));
    expect(contentIn(outcome)).toEqual({ announced: 3, octets: 'ab', endings: ['http_response_incomplete'] });
  });

  test('marked content comes without its mark', async () => {
    const nonce = Buffer.alloc(16, 7);
    const response = { ...whole, content: { kind: 'marked', nonce: nonce.toString('base64url') } } as const;
    const pieces = ['ab', nonce, '{"outcome":"complete"}'];
    const { outcome } = await exchanged(plannedRequest(), replied(response, { pieces }));
    expect(contentIn(outcome)).toEqual({ announced: undefined, octets: 'ab', endings: ['end'] });
  });

  test('a response to HEAD has no content whatever is said', async () => {
    const response = { ...whole, content: { kind: 'length', octets: 3 } } as const;
    const { outcome } = await exchanged(plannedRequest({ method: 'HEAD' }), replied(response));
    expect(outcome).toMatchObject({ kind: 'response', response: { content: { kind: 'none' } } });
  });

  test('fields that are not sound are refused in the agent too', async () => {
    const answer = replied({ ...whole, fields: [['X', 'a\r\nb']] });
    const { outcome } = await exchanged(plannedRequest(), answer);
    expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'http_protocol_error' }, source: 'edge' });
    expect(answer.content.wasCancelled).toBe(true);
  });

  test('an error of the edge is explained by what this machine knows', async () => {
    const explained = new ProxyError('connection_refused', 'Refused.');
    const error = { type: 'destination_unavailable', status: 502, message: 'Not there.' } as const;
    const asked: unknown[] = [];
    const request = plannedRequest();
    request.trace.address = '192.0.2.1';
    const { outcome } = await exchanged(request, replied({ kind: 'failed', error, reference: 'abc', stages }), {
      explain: async (...all) => {
        asked.push(...all);
        return explained;
      },
    });
    expect(asked).toMatchObject([error, 'abc', { scheme: 'http', host: 'o.example', port: 80, address: '192.0.2.1' }]);
    expect(outcome).toMatchObject({ kind: 'failed', error: explained, source: 'edge', mayRetry: false });
  });

  test.each([
    ['http_request_error', 501, true, 'edge-cannot-carry'],
    ['http_request_error', 400, false, undefined],
    ['dns_error', 502, false, 'edge-cannot-reach'],
    ['dns_error', 502, true, undefined],
    ['connection_refused', 502, false, 'edge-cannot-reach'],
    ['connection_terminated', 502, false, undefined],
    ['destination_ip_prohibited', 403, false, undefined],
    ['http_response_timeout', 504, false, undefined],
  ] as const)('%s with %i of an edge that is embedded: %s is the fault %s', async (type, status, embedded, because) => {
    const error = { type, status, message: 'No.' };
    const { outcome } = await exchanged(plannedRequest(), replied({ kind: 'failed', error, stages }), { embedded });
    expect(outcome.kind === 'failed' && outcome.edgeFault).toEqual(because && { because, isHarmless: true });
  });
});

describe('an edge that does not answer', () => {
  test.each([
    ['unsent', 'POST', 'connection_refused', true],
    ['stale', 'GET', 'connection_terminated', true],
    ['unanswered', 'GET', 'connection_terminated', true],
    ['unanswered', 'POST', 'connection_terminated', false],
    ['unanswered', 'GET', 'http_response_timeout', false],
  ] as [Extract<UpstreamAnswer, { kind: 'failed' }>['progress'], string, ErrorType, boolean][])(
    'RFC 9110 9.2.2: %s, a %s after %s may be sent again: %s',
    async (progress, method, type, mayRetry) => {
      const lost: ProxyError[] = [];
      const error = new ProxyError(type, 'Of the edge.');
      const { outcome } = await exchanged(
        plannedRequest({ method }),
        { kind: 'failed', error, progress },
        {
          lost: (cause) => void lost.push(cause),
        },
      );
      expect(outcome).toMatchObject({ kind: 'failed', error: { type, cause: error }, source: 'agent', mayRetry });
      expect((outcome as { error: Error }).error.message).toContain('edge');
      expect(lost).toEqual([error]);
    },
  );

  test('content that was on its way is not sent twice', async () => {
    const error = new ProxyError('connection_terminated', 'Gone.');
    const request = plannedRequest({ method: 'PUT', content: Readable.from(['x']) });
    expect((await exchanged(request, { kind: 'failed', error, progress: 'unsent' })).outcome).toMatchObject({
      mayRetry: false,
    });
  });

  test('is not to blame when the client broke off', async () => {
    const error = new ProxyError('http_request_error', 'The client left.');
    const { outcome } = await exchanged(
      plannedRequest(),
      { kind: 'failed', error, progress: 'unanswered' },
      {
        lost: () => {
          throw new Error('the edge was blamed');
        },
      },
    );
    expect(outcome).toEqual({ kind: 'failed', error, source: 'agent', mayRetry: false });
  });
});

async function exchanged(
  request: PlannedRequest,
  answer: UpstreamAnswer,
  changed: Partial<EdgeLink> = {},
  upstream: 'fetch' | 'socket' = 'fetch',
  cache: { readonly generation?: (url: string) => string } = {},
) {
  const { observer, told } = listening();
  const sent: UpstreamRequest[] = [];
  const client = {
    send: async (upstream: UpstreamRequest) => {
      sent.push(upstream);
      return answer;
    },
    close: async () => undefined,
  };
  const edge: EdgeLink = {
    name: 'home',
    embedded: false,
    ready: async () => ({ kind: 'ready', origin: 'http://edge', host: 'edge', client, token: 'the token' }),
    lost: () => undefined,
    timed: () => ({ offsetMs: 4, errorMs: 1, roundTrip: undefined }),
    explain: async (error) => error,
    ...changed,
  };
  const ports = { clock: stillClock(7), observer, limits, edge, upstream, trustsMore: false, ...cache };
  const outcome = await createEdgeExchange(ports)(request, route);
  return { outcome, sent, told };
}

interface ReplyParts {
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly pieces?: readonly (string | Buffer)[];
}

function replied(envelope: unknown, { status = 200, fields, pieces = [] }: ReplyParts = {}) {
  const known = fields ?? (envelope === undefined ? {} : envelopeFields(envelope));
  return {
    kind: 'response',
    status,
    reason: 'OK',
    fields: Object.entries(known),
    octets: undefined,
    content: contentOf(pieces),
    address: '192.0.2.200',
  } as const;
}

function envelopeFields(envelope: unknown): Record<string, string> {
  const packed = packEnvelope(Buffer.from(JSON.stringify(envelope)).toString('base64url'));
  return packed.kind === 'packed' ? Object.fromEntries(packed.fields) : {};
}

function envelopeOf(sent: UpstreamRequest | undefined) {
  const unpacked = unpackEnvelope((name) => fieldOf(sent, name));
  if (unpacked.kind !== 'unpacked') throw new Error(unpacked.kind);
  return requestEnvelope.parse(JSON.parse(Buffer.from(unpacked.text, 'base64url').toString('utf8')));
}

function fieldOf(sent: UpstreamRequest | undefined, name: string): string | undefined {
  return onlyValue(sent?.fields ?? [], name);
}

function contentIn(outcome: Outcome) {
  if (outcome.kind !== 'response' || outcome.response.content.kind !== 'some') throw new Error(outcome.kind);
  const { octets, source } = outcome.response.content;
  return { announced: octets, ...receivedOf(source) };
}
