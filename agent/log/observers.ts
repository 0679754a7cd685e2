// Tells several observers what happened, one after the other.
import type { Observer } from '../proxy/ports.ts';

/** One observer for all of them. */
export function observers(all: readonly Observer[]): Observer {
  return {
    connectionAccepted: (connection, active) => {
      for (const each of all) each.connectionAccepted(connection, active);
    },
    connectionClosed: (connection, closedAt, active) => {
      for (const each of all) each.connectionClosed(connection, closedAt, active);
    },
    requestReceived: (trace) => {
      for (const each of all) each.requestReceived(trace);
    },
    requestRelayed: (trace) => {
      for (const each of all) each.requestRelayed(trace);
    },
    responseReceived: (trace) => {
      for (const each of all) each.responseReceived(trace);
    },
    serverNamed: (trace) => {
      for (const each of all) each.serverNamed(trace);
    },
    finished: (trace) => {
      for (const each of all) each.finished(trace);
    },
  };
}

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
