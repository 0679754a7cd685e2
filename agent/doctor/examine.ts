// Runs checks side by side, each within its deadline: one that hangs or breaks is a finding, and holds up no other.
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail } from './check.ts';

/** What the checks find, in their order. Never rejects. `given` aborts when the person at the terminal has had enough. */
export async function examine(checks: readonly Check[], given: AbortSignal): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map((check) => within(check, given)))).flat();
}

async function within(
  { name, deadlineMs, whenLate = tellUs, run }: Check,
  given: AbortSignal,
): Promise<readonly Finding[]> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), deadlineMs);
  const signal = AbortSignal.any([late.signal, given]);
  try {
    signal.throwIfAborted();
    return await Promise.race([Promise.resolve(run(signal)), aborted(signal)]);
  } catch (cause) {
    if (given.aborted) return [fail(name, 'it was interrupted', 'Let `edgehop doctor` run to its end')];
    if (signal.aborted) return [fail(name, `it did not come to an end within ${deadlineMs} ms`, whenLate)];
    return [fail(name, `the check itself broke: ${cause instanceof Error ? cause.message : String(cause)}`, tellUs)];
  } finally {
    clearTimeout(timer);
    late.abort(); // what a check has left running ends with it
  }
}

const tellUs = 'Report it, with what `edgehop doctor --bundle FILE` writes';

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
