// What the walk's phases are given in tests: a clock that stands still, a request, content in pieces, and ears for it all.
import type {
  Clock,
  Connection,
  Content,
  Observer,
  PlannedRequest,
  Sink,
  Trace,
  WalkLimits,
} from '../../agent/proxy/ports.ts';
import { beginTrace, recordOf } from '../../agent/proxy/trace.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { type ExchangeRecord, exchangeRecord } from '../../schemas/exchange.ts';

/** 2026-01-02T03:04:05.000Z. */
export const epochMs = Date.UTC(2026, 0, 2, 3, 4, 5);

export interface TestClock extends Clock {
  at: number;
}

/** A clock that shows `at`; its zero is `epochMs`. */
export function stillClock(at = 0): TestClock {
  const clock: TestClock = { at, now: () => clock.at, wallTime: (instant) => epochMs + instant };
  return clock;
}

export const limits: WalkLimits = {
  maxHeadBytes: 65_536,
  maxFields: 100,
  maxInterimResponses: 10,
  headDeadlineMs: 1_000,
  connectTimeoutMs: 1_000,
  idleTimeoutMs: 1_000,
};

export const connection: Connection = { number: 3, address: '127.0.0.1', port: 50_000, acceptedAt: 1 };

export function testTrace(parts: Partial<Trace> = {}, kind: Trace['kind'] = 'exchange'): Trace {
  return Object.assign(beginTrace(kind, '1a2b-7', connection, 2), parts);
}

/** The record as a log prints it. Throws where it is not as the schema has it. */
export function printedRecord(trace: Trace, clock: Clock): ExchangeRecord {
  return exchangeRecord.parse(JSON.parse(JSON.stringify(recordOf(trace, clock))));
}

/** `GET http://o.example/` as it stands after accept, admit and apply. */
export function plannedRequest(parts: Partial<PlannedRequest> = {}): PlannedRequest {
  return {
    trace: testTrace(),
    method: 'GET',
    url: 'http://o.example/',
    scheme: 'http',
    host: 'o.example',
    port: 80,
    path: '/',
    httpVersion: '1.1',
    fields: [['Host', 'o.example']],
    framing: { kind: 'none' },
    content: undefined,
    trailers: () => [],
    interim: () => undefined,
    continue: () => undefined,
    onLeave: () => undefined,
    addresses: ['192.0.2.1'],
    directOnly: false,
    parent: undefined,
    forwardFields: [['Via', '1.1 edgehop-1a2b']],
    ...parts,
  };
}

/** An observer that writes down what it is told. */
export function listening(): { readonly observer: Observer; readonly told: string[] } {
  const told: string[] = [];
  const note = (event: string) => () => void told.push(event);
  return {
    told,
    observer: {
      connectionAccepted: note('connection accepted'),
      connectionClosed: note('connection closed'),
      requestReceived: note('request received'),
      requestRelayed: note('request relayed'),
      responseReceived: note('response received'),
      serverNamed: note('server named'),
      finished: note('finished'),
    },
  };
}

/** Content that comes in these pieces, then ends, fails, or stays open. */
export function contentOf(
  pieces: readonly (string | Buffer)[],
  ending: 'end' | 'open' | ProxyError = 'end',
): Content & { readonly wasCancelled: boolean; readonly resumed: number } {
  let wasCancelled = false;
  let resumed = 0;
  return {
    flow: (sink) => {
      for (const piece of pieces) {
        if (wasCancelled) return;
        sink.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
      }
      if (wasCancelled || ending === 'open') return;
      if (ending === 'end') sink.end([]);
      else sink.fail(ending);
    },
    resume: () => {
      resumed++;
    },
    cancel: () => {
      wasCancelled = true;
    },
    get wasCancelled() {
      return wasCancelled;
    },
    get resumed() {
      return resumed;
    },
  };
}

export interface Received {
  /** Each character is one octet. */
  readonly octets: string;
  /** In the order in which they came: more than one is a fault. */
  readonly endings: readonly string[];
}

/** What a reader of the content gets: `end` or the type of the error, however often it is told. */
export function receivedOf(content: Content): Received {
  const endings: string[] = [];
  let octets = '';
  const sink: Sink = {
    write: (piece) => {
      octets += piece.toString('latin1');
      return true;
    },
    end: () => void endings.push('end'),
    fail: ({ type }) => void endings.push(type),
  };
  content.flow(sink);
  return { octets, endings };
}
