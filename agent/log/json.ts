// The log for programs: one exchange record a line, as `schemas/exchange.ts` has it.
import type { Clock, Observer } from '../proxy/ports.ts';
import { recordOf } from '../proxy/trace.ts';
import { onFinished } from './observers.ts';
import type { LineSink } from './sink.ts';

/** Prints every finished record. */
export function jsonLog(sink: LineSink, clock: Clock): Observer {
  return onFinished((trace) => sink.write(() => escaped(JSON.stringify(recordOf(trace, clock)))));
}

/** JSON escapes only some of the characters that end a line or steer a terminal. */
function escaped(json: string): string {
  // Hardly any record has one, and a test is cheaper than a replacement of nothing.
  if (!/[\x7f-\x9f\u2028\u2029]/.test(json)) return json;
  return json.replace(/[\x7f-\x9f\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
