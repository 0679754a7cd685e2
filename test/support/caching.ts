// The cache phase with a store in memory, a next hop that answers as it is told, and clients that ask it.
import { type CacheBounds, cacheBounds, type SharedKnowledge } from '../../agent/proxy/cache/bounds.ts';
import { createCached } from '../../agent/proxy/cache/cached.ts';
import type { Content, Outcome, PlannedRequest, Sink, Trace, UpstreamResponse } from '../../agent/proxy/ports.ts';
import type { Field, Fields } from '../../http/fields.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { type FakeStore, fakeStore } from './fake-store.ts';
import { contentOf, listening, plannedRequest, stillClock, type TestClock, testTrace } from './walk.ts';

export type Reply = (request: PlannedRequest) => Outcome | Promise<Outcome>;

export interface TestCache {
  readonly clock: TestClock;
  readonly store: FakeStore;
  /** What the observer was told. */
  readonly told: readonly string[];
  /** What went on to the next hop, in order. */
  readonly asked: readonly PlannedRequest[];
  /** The records of what no client waits for. */
  readonly background: readonly Trace[];
  /** What the next hop answers from now on. */
  reply: Reply;
  /** A client's request, with what comes of it. */
  get(...fields: readonly Field[]): Promise<Got>;
  ask(parts: Partial<PlannedRequest>): Promise<Got>;
}

export interface Got {
  readonly trace: Trace;
  readonly outcome: Outcome;
  readonly status: number;
  readonly fields: Fields;
  /** Flows as fast as it comes. */
  readonly received: Receiving;
}

export interface Receiving {
  octets: string;
  readonly endings: string[];
  trailers: Fields;
}

/** `shared`: with whom it shares its store and what is known of that, as after a reload. */
export function testCache(
  bounds: Partial<CacheBounds> = {},
  shared?: { readonly store: FakeStore; readonly knowledge: SharedKnowledge },
): TestCache {
  const clock = stillClock();
  const store = shared?.store ?? fakeStore();
  const asked: PlannedRequest[] = [];
  const background: Trace[] = [];
  const { observer, told } = listening();
  const answer = createCached({
    clock,
    observer,
    store,
    begin: () => {
      const trace = testTrace();
      background.push(trace);
      return trace;
    },
    boundary: () => 'b0undary',
    bounds: { ...cacheBounds, ...bounds },
    shared: shared?.knowledge,
  })(async (request) => {
    asked.push(request);
    return cache.reply(request);
  });
  const cache: TestCache = {
    clock,
    store,
    told,
    asked,
    background,
    reply: () => failure(),
    get: (...fields) => cache.ask({ forwardFields: fields }),
    ask: async (parts) => {
      const request = plannedRequest({ trace: testTrace(), forwardFields: [], ...parts });
      const outcome = await answer(request);
      const response = outcome.kind === 'response' ? outcome.response : undefined;
      return {
        trace: request.trace,
        outcome,
        status: response?.status ?? (outcome as Extract<Outcome, { kind: 'failed' }>).error.status,
        fields: response?.fields ?? [],
        received: receiving(response),
      };
    },
  };
  return cache;
}

function receiving(response: UpstreamResponse | undefined): Receiving {
  const received: Receiving = { octets: '', endings: [], trailers: [] };
  if (response?.content.kind === 'some') {
    response.content.source.flow({
      write: (octets) => {
        received.octets += octets.toString('latin1');
        return true;
      },
      end: (trailers) => {
        received.endings.push('end');
        received.trailers = trailers;
      },
      fail: ({ type }) => void received.endings.push(type),
    });
  }
  return received;
}

/** A response with these lines (`Cache-Control: max-age=60`) and this content, of known length. */
export function response(lines: readonly string[], content: string | Content = '', status = 200): Outcome {
  const isText = typeof content === 'string';
  return {
    kind: 'response',
    response: {
      status,
      reason: 'Words',
      fields: lines.map(fieldOf),
      content:
        isText && content === ''
          ? { kind: 'none' }
          : {
              kind: 'some',
              octets: isText ? content.length : undefined,
              source: isText ? contentOf([content]) : content,
            },
    },
  };
}

function fieldOf(line: string): Field {
  const at = line.indexOf(':');
  return [line.slice(0, at), line.slice(at + 1).trim()];
}

/** The next hop is out of reach. */
export function failure(): Extract<Outcome, { kind: 'failed' }> {
  const error = new ProxyError('connection_refused', 'Nobody listens there.');
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}

/** Content whose pieces come when they are told to. */
export interface Stream extends Content {
  /** Whether the reader wants more, after the last piece. */
  readonly isWanted: boolean;
  readonly hasBegun: boolean;
  readonly wasCancelled: boolean;
  write(text: string): void;
  end(trailers?: Fields): void;
  fail(): void;
}

export function stream(): Stream {
  let sink: Sink | undefined;
  let isWanted = true;
  let wasCancelled = false;
  const reader = () => {
    if (sink === undefined) throw new Error('nobody reads');
    return sink;
  };
  return {
    get isWanted() {
      return isWanted;
    },
    get hasBegun() {
      return sink !== undefined;
    },
    get wasCancelled() {
      return wasCancelled;
    },
    flow: (to) => {
      sink = to;
    },
    resume: () => {
      isWanted = true;
    },
    cancel: () => {
      wasCancelled = true;
    },
    write: (text) => {
      isWanted = reader().write(Buffer.from(text, 'latin1'));
    },
    end: (trailers = []) => reader().end(trailers),
    fail: () => reader().fail(new ProxyError('http_response_incomplete', 'It stopped.')),
  };
}
