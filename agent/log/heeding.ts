// Lets an observer hear only of what rules let be logged.
import type { Observer, Trace } from '../proxy/ports.ts';

/**
 * The observer, told of each exchange and tunnel as its `log` says once it is finished. What begins with less than `usual`
 * is held back, and told all at once where it is to be told after all; each event has its own time in the trace.
 */
export function heeding(observer: Observer): Observer {
  const heldBack = new WeakSet<Trace>();
  const unlessHeldBack = (tell: (trace: Trace) => void) => (trace: Trace) => {
    if (trace.log === 'usual' && !heldBack.has(trace)) tell(trace);
  };
  return {
    connectionAccepted: observer.connectionAccepted,
    connectionClosed: observer.connectionClosed,
    requestReceived: (trace) => {
      if (trace.log === 'usual') observer.requestReceived(trace);
      else heldBack.add(trace);
    },
    requestRelayed: unlessHeldBack(observer.requestRelayed),
    responseReceived: unlessHeldBack(observer.responseReceived),
    serverNamed: unlessHeldBack(observer.serverNamed),
    finished: (trace) => {
      if (trace.log === 'off' || (trace.log === 'errors' && !hasFailed(trace))) return;
      if (heldBack.has(trace)) tellAll(observer, trace);
      else observer.finished(trace);
    },
  };
}

function hasFailed({ failure, response }: Trace): boolean {
  return failure !== undefined || (response?.status ?? 0) >= 500;
}

function tellAll(observer: Observer, trace: Trace): void {
  observer.requestReceived(trace);
  if (trace.stamps['request-relayed'] !== undefined) observer.requestRelayed(trace);
  if (trace.stamps['response-received'] !== undefined) observer.responseReceived(trace);
  if (trace.tunnel?.tls?.serverName !== undefined) observer.serverNamed(trace);
  observer.finished(trace);
}
