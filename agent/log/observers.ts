// Tells several observers what happened, one after the other.
import type { Observer, Trace } from '../proxy/ports.ts';

/** One observer for all of them. Who does not hear of an event is not asked. */
export function observers(all: readonly Observer[]): Observer {
  const tracing = (event: TracedEvent) => {
    const tell = all.map((each) => each[event]).filter((each) => each !== nothing);
    return (trace: Trace) => {
      for (const each of tell) each(trace);
    };
  };
  return {
    connectionAccepted: (connection, active) => {
      for (const each of all) each.connectionAccepted(connection, active);
    },
    connectionClosed: (connection, closedAt, active) => {
      for (const each of all) each.connectionClosed(connection, closedAt, active);
    },
    requestReceived: tracing('requestReceived'),
    requestRelayed: tracing('requestRelayed'),
    responseReceived: tracing('responseReceived'),
    serverNamed: tracing('serverNamed'),
    finished: tracing('finished'),
  };
}

type TracedEvent = Exclude<keyof Observer, 'connectionAccepted' | 'connectionClosed'>;

/** An observer in whose place another may be put at any time. */
export function replaceable(first: Observer): {
  readonly observer: Observer;
  readonly replaceBy: (next: Observer) => void;
} {
  let current = first;
  return {
    observer: {
      connectionAccepted: (connection, active) => current.connectionAccepted(connection, active),
      connectionClosed: (connection, closedAt, active) => current.connectionClosed(connection, closedAt, active),
      requestReceived: (trace) => current.requestReceived(trace),
      requestRelayed: (trace) => current.requestRelayed(trace),
      responseReceived: (trace) => current.responseReceived(trace),
      serverNamed: (trace) => current.serverNamed(trace),
      finished: (trace) => current.finished(trace),
    },
    replaceBy: (next) => {
      current = next;
    },
  };
}

/** An observer of these events only. */
export function only(heard: Partial<Observer>): Observer {
  return { ...deaf, ...heard };
}

/** An observer of the finished records only. */
export function onFinished(finished: Observer['finished']): Observer {
  return only({ finished });
}

const nothing = () => undefined;
const deaf: Observer = {
  connectionAccepted: nothing,
  connectionClosed: nothing,
  requestReceived: nothing,
  requestRelayed: nothing,
  responseReceived: nothing,
  serverNamed: nothing,
  finished: nothing,
};
