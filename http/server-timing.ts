// The Server-Timing field: durations between stages, for a browser's developer tools. W3C Server Timing 2.

export interface Metric {
  /** A token. */
  readonly name: string;
  readonly durationMs?: number;
  readonly description?: string;
}

/** The value of a Server-Timing field, durations with three decimals. */
export function serverTiming(metrics: readonly Metric[]): string {
  let value = '';
  for (const { name, durationMs, description } of metrics) {
    if (value !== '') value += ', ';
    value += name;
    if (description !== undefined) value += `;desc="${description.replace(/[^\x20-\x7e]|["\\]/g, '?')}"`;
    if (durationMs !== undefined) value += `;dur=${Math.round(durationMs * 1000) / 1000}`;
  }
  return value;
}
