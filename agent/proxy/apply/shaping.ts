// Simulated networks: latency, rates and faults of exchanges and tunnels, as a rule asks for them.
import { type Chance, chance } from '../../../http/chance.ts';
import { type Link, link } from '../../../http/pacing.ts';
import type { Chosen } from '../../../http/plan/plan.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Fault, ShapeSettings } from '../../../schemas/shape.ts';
import {
  type Clock,
  type Content,
  type Ending,
  type Instant,
  type PlannedRequest,
  type Trace,
  type WalkLimits,
  watched,
} from '../ports.ts';
import { type After, pacedContent } from './paced-content.ts';
import { PacedRequest } from './paced-request.ts';

export interface ShapingPorts {
  readonly clock: Clock;
  readonly limits: Pick<WalkLimits, 'idleTimeoutMs'>;
  readonly after?: After;
  /** For a shape that names no seed: another one for each. */
  readonly newSeed?: () => number;
}

export interface Shaping {
  /** Carries an exchange through the network that the rule asks for. What has no content waits only. Writes `trace.shape`. */
  exchange(
    request: PlannedRequest,
    shape: Chosen<ShapeSettings>,
    next: (request: PlannedRequest) => Promise<Ending> | Ending,
  ): Promise<Ending>;
  /**
   * The network of one tunnel, to be asked for before it is dialled. Nothing where chance leaves it alone; `dropped` where
   * there is no network at all, so that nobody is dialled and the client is reset. Writes `trace.shape`.
   */
  tunnel(trace: Trace, shape: Chosen<ShapeSettings>): TunnelShape | 'dropped' | undefined;
}

/** The network of one tunnel. `up` is from the client, `down` towards it. */
export interface TunnelShape {
  readonly up: TunnelLink;
  readonly down: TunnelLink;
  readonly fault: Fault | undefined;
  readonly now: () => Instant;
  readonly after: After;
  /** Hears that the fault takes place. */
  readonly onFault: (fault: Fault) => void;
}

export interface TunnelLink {
  readonly link: Link<Buffer>;
  /** At which no more is read; what is in one piece with the last octet is still taken. */
  readonly maxHeldBytes: number;
}

/** Of one direction of one tunnel: a network with more octets than this under way is slower than asked. */
const maxUnderWayBytes = 4 * 1024 * 1024;
const leastHeldBytes = 64 * 1024;

/** Rules whose exchanges are counted, at most; then all are counted from the beginning. */
const maxRules = 10_000;

/** The n-th exchange or tunnel of a rule makes the same choices whenever its seed is the same. */
export function createShaping(ports: ShapingPorts): Shaping {
  const { clock, limits, after = afterDelay, newSeed = () => Math.floor(Math.random() * 2 ** 32) } = ports;
  const counts = new Map<string, number>();
  const choose = (trace: Trace, { rule, action }: Chosen<ShapeSettings>) => {
    const count = (counts.get(rule) ?? 0) + 1;
    if (count === 1 && counts.size >= maxRules) counts.clear();
    counts.set(rule, count);
    const seed = action.seed ?? newSeed();
    const chosen = choices(action, chance(seed, count));
    if (chosen === undefined) return undefined;
    const { preset } = action;
    trace.shape = {
      rule,
      ...(preset !== undefined && { preset }),
      ...(chosen.latencyMs > 0 && { latencyMs: chosen.latencyMs }),
    };
    const onFault = ({ kind }: Fault) => {
      if (trace.shape !== undefined) trace.shape = { ...trace.shape, fault: kind };
    };
    return { ...chosen, onFault, ofWay: (way: number) => chance(seed, count, way) };
  };
  return {
    exchange: async (request, shape, next) => {
      const chosen = choose(request.trace, shape);
      if (chosen === undefined) return next(request);
      const { latencyMs, fault, onFault } = chosen;
      const { upBytesPerSecond, downBytesPerSecond, burstBytes } = shape.action;
      if (fault !== undefined && isOfAll(fault)) {
        onFault(fault);
        if (fault.kind === 'timeout') await pause(after, request, limits.idleTimeoutMs);
        return { kind: 'dropped', error: unanswered(fault) };
      }
      const paced =
        upBytesPerSecond === undefined || request.content === undefined
          ? undefined
          : new PacedRequest(request.content, {
              clock,
              after,
              link: link({ bytesPerSecond: upBytesPerSecond, burstBytes }),
            });
      const ending = await next(paced === undefined ? request : { ...request, content: paced });
      if (latencyMs > 0) await pause(after, request, latencyMs);
      if (ending.kind !== 'response' || ending.response.content.kind === 'none') {
        paced?.destroy();
        return ending;
      }
      const { response } = ending;
      const { octets, source: answered } = ending.response.content;
      // Who has had the answer waits for nothing that is still on its way up: it would go on by itself for hours.
      const given = paced === undefined ? answered : watched(answered, () => paced.destroy());
      const as = (source: Content): Ending => ({
        kind: 'response',
        response: { ...response, content: { kind: 'some', octets, source } },
      });
      if (downBytesPerSecond === undefined && fault === undefined) return paced === undefined ? ending : as(given);
      const source = pacedContent(given, octets, {
        clock,
        after,
        link: link({ bytesPerSecond: downBytesPerSecond, burstBytes }),
        fault,
        idleTimeoutMs: limits.idleTimeoutMs,
        onFault,
      });
      return as(source);
    },
    tunnel: (trace, shape) => {
      const chosen = choose(trace, shape);
      if (chosen === undefined) return undefined;
      const { fault, onFault, ofWay } = chosen;
      if (fault?.kind === 'reset' && isOfAll(fault)) {
        onFault(fault);
        return 'dropped';
      }
      const { upBytesPerSecond, downBytesPerSecond } = shape.action;
      return {
        up: tunnelLink(shape.action, upBytesPerSecond, ofWay(1)),
        down: tunnelLink(shape.action, downBytesPerSecond, ofWay(2)),
        fault,
        now: () => clock.now(),
        after,
        onFault,
      };
    },
  };
}

const afterDelay: After = (delayMs, then) => {
  const timer = setTimeout(then, delayMs);
  return () => clearTimeout(timer);
};

/** What chance makes of a shape, always asked in the same order. */
function choices(
  { probability = 1, fault, latencyMs = 0, jitterMs = 0 }: ShapeSettings,
  next: Chance,
): { readonly latencyMs: number; readonly fault: Fault | undefined } | undefined {
  const [isShaped, isFaulty] = [next() < probability, next() < (fault?.probability ?? 0)];
  if (!isShaped) return undefined;
  const drawnMs = jitterMs === 0 ? latencyMs : Math.round(jittered(latencyMs, jitterMs, next) * 1_000) / 1_000;
  return { latencyMs: drawnMs, fault: isFaulty ? fault : undefined };
}

function jittered(latencyMs: number, jitterMs: number, next: Chance): number {
  return Math.max(0, latencyMs + (2 * next() - 1) * jitterMs);
}

/** Half of the latency each way, anew for each piece. */
function tunnelLink(
  { latencyMs = 0, jitterMs = 0, burstBytes }: ShapeSettings,
  bytesPerSecond: number | undefined,
  next: Chance,
): TunnelLink {
  const longestMs = (latencyMs + jitterMs) / 2;
  const delayMs = longestMs === 0 ? undefined : () => jittered(latencyMs, jitterMs, next) / 2;
  const underWay =
    bytesPerSecond === undefined
      ? longestMs === 0
        ? 0
        : maxUnderWayBytes
      : Math.min(maxUnderWayBytes, (bytesPerSecond * longestMs) / 1_000);
  return { link: link({ bytesPerSecond, burstBytes, delayMs }), maxHeldBytes: leastHeldBytes + underWay };
}

/** Whether the fault takes the place of the whole exchange, so that nobody is asked. */
function isOfAll(fault: Fault): boolean {
  return (fault.kind === 'reset' || fault.kind === 'timeout') && fault.afterBytes === 0;
}

/** A client that leaves ends it. */
function pause(after: After, { onLeave }: PlannedRequest, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const callOff = after(delayMs, resolve);
    onLeave(() => {
      callOff();
      resolve();
    });
  });
}

/** What a client is told of that a fault leaves without an answer. */
export function unanswered({ kind }: Pick<Fault, 'kind'>): ProxyError {
  return kind === 'timeout'
    ? new ProxyError('connection_read_timeout', 'A rule leaves this request without an answer, as a bad network does.')
    : new ProxyError('connection_terminated', 'A rule resets this connection, as a bad network does.');
}
