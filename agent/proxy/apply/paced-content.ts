// Content of a response as it comes through a simulated network: at its rate, and with its fault.
import type { Link } from '../../../http/pacing.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Fault } from '../../../schemas/shape.ts';
import type { Clock, Content, Sink } from '../ports.ts';

/** Calls once, after so many milliseconds. What comes back calls it off. */
export type After = (delayMs: number, then: () => void) => () => void;

export interface PacedPorts {
  readonly clock: Clock;
  readonly after: After;
  /** Through which the octets go; of this content alone. */
  readonly link: Link<Buffer>;
  readonly fault: Fault | undefined;
  /** How long content that comes no further stays open. */
  readonly idleTimeoutMs: number;
  /** Hears that the fault takes place. Content that is shorter has none. */
  readonly onFault: (fault: Fault) => void;
}

/** What was sent last gets so long to leave, before a reset takes along what waits in the system. */
export const lastOctetsMs = 20;

/**
 * Of known length (`octets`) the last octet waits for a slow close, else the end. The source is asked for more when all
 * it gave has gone on: what is held is one piece of it.
 */
export function pacedContent(source: Content, octets: number | undefined, ports: PacedPorts): Content {
  const { clock, after, link } = ports;
  let sink: Sink | undefined;
  let callOff: (() => void) | undefined;
  let ending: ((to: Sink) => void) | undefined;
  let isOver = false;
  /** The source was given up. */
  let isBroken = false;
  let isFailing = false;
  let isFull = false;
  let isSourceWaiting = false;
  let passed = 0;
  /** The fault that is still to come, and behind how many octets; undefined octets: at the end. */
  let coming = comingOf(ports.fault, octets);

  const pause = (delayMs: number, then: () => void) => {
    callOff = after(delayMs, () => {
      callOff = undefined;
      then();
    });
  };
  const breakOff = (to: Sink, delayMs: number, error: ProxyError) => {
    isBroken = true;
    pause(delayMs, () => over(to, (told) => told.fail(error)));
    source.cancel();
  };
  const strike = (to: Sink, fault: Fault) => {
    coming = undefined;
    ports.onFault(fault);
    if (fault.kind === 'slow-close') pause(fault.delayMs, () => drain(to));
    else if (fault.kind === 'timeout') breakOff(to, ports.idleTimeoutMs, stalled());
    else breakOff(to, lastOctetsMs, fault.kind === 'reset' ? broken() : truncated());
  };
  const end = (to: Sink, how: (to: Sink) => void) => {
    if (coming?.fault.kind === 'slow-close' && coming.at === undefined) strike(to, coming.fault);
    else if (isFailing && passed > 0) pause(lastOctetsMs, () => over(to, how));
    else over(to, how);
  };
  const over = (to: Sink, how: (to: Sink) => void) => {
    isOver = true;
    how(to);
  };
  const drain = (to: Sink): void => {
    while (!isOver && !isFull && callOff === undefined) {
      const room = coming?.at === undefined ? undefined : coming.at - passed;
      if (coming !== undefined && room === 0) {
        strike(to, coming.fault);
        continue;
      }
      const due = link.next(clock.now(), room);
      if (due.kind === 'wait') pause(due.delayMs, () => drain(to));
      else if (due.kind === 'piece') {
        passed += due.octets.length;
        isFull = !to.write(due.octets);
      } else if (ending !== undefined) end(to, ending);
      else {
        if (isSourceWaiting) askForMore();
        break;
      }
    }
  };
  const askForMore = () => {
    isSourceWaiting = false;
    source.resume();
  };
  return {
    flow: (to) => {
      sink = to;
      drain(to); // a fault ahead of the first octet
      if (isBroken) return;
      source.flow({
        write: (given) => {
          if (isOver || isBroken) return false;
          link.put(given, clock.now());
          drain(to);
          isSourceWaiting = link.heldOctets > 0 || isFull;
          return !isSourceWaiting;
        },
        end: (trailers) => {
          ending = (told) => told.end(trailers);
          drain(to);
        },
        fail: (error) => {
          coming = undefined;
          isFailing = true;
          ending = (told) => told.fail(error);
          drain(to);
        },
      });
    },
    resume: () => {
      isFull = false;
      if (sink !== undefined) drain(sink);
    },
    cancel: () => {
      isOver = true;
      callOff?.();
      callOff = undefined;
      if (!isBroken) source.cancel();
    },
  };
}

interface Coming {
  readonly fault: Fault;
  readonly at: number | undefined;
}

function comingOf(fault: Fault | undefined, octets: number | undefined): Coming | undefined {
  if (fault === undefined) return undefined;
  if (fault.kind !== 'slow-close') return { fault, at: fault.afterBytes };
  return { fault, at: octets === undefined || octets === 0 ? undefined : octets - 1 };
}

function broken(): ProxyError {
  return new ProxyError('connection_terminated', 'A rule breaks this connection, as a bad network does.');
}

function truncated(): ProxyError {
  return new ProxyError('http_response_incomplete', 'A rule ends this content too early, as a bad network does.');
}

function stalled(): ProxyError {
  return new ProxyError('connection_read_timeout', 'A rule lets this content come no further, as a bad network does.');
}
