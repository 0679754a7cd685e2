// The log for programs: one exchange record a line, as `schemas/exchange.ts` has it.
import type { Clock, Observer } from '../proxy/ports.ts';
import { recordOf } from '../proxy/trace.ts';
import { onFinished } from './observers.ts';
import type { LineSink } from './sink.ts';

/** Prints every finished record. */
export function jsonLog(sink: LineSink, clock: Clock): Observer {
  return onFinished((trace) => sink.write(() => JSON.stringify(recordOf(trace, clock))));
}
