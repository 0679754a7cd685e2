// How a verb that goes on for long learns that it shall end.

/** Calls at each signal that asks the process to end, and when the launcher that brought this Node has gone. */
export function onAskedToEnd(listener: (why: string) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => listener(signal));
  process.on('disconnect', () => listener('launcher ended'));
  process.channel?.unref();
  // Whoever read what is printed may have gone as well.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}
