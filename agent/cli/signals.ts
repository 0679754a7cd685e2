// How a verb that goes on for long learns that it shall end, or read its configuration again.
import { isatty } from 'node:tty';

/**
 * Calls at each signal that asks the process to end, and when the launcher that brought this Node has gone. With
 * `onHangup`, SIGHUP calls that instead, as of any service, unless the terminal has gone in which the process was started.
 */
export function onAskedToEnd(listener: (why: string) => void, onHangup?: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => listener(signal));
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  process.on('SIGHUP', () => {
    const hasHungUp = process.platform === 'win32' || terminals.some((descriptor) => !isatty(descriptor));
    if (onHangup === undefined || hasHungUp) listener('SIGHUP');
    else onHangup();
  });
  process.on('disconnect', () => listener('launcher ended'));
  process.channel?.unref();
  // Whoever read what is printed may have gone as well.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}

/** Whether a person at a terminal sees to this process, so that Ctrl-C goes to all that it has started as well. */
export function isTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => isatty(descriptor));
}
