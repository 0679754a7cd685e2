// Whether a process runs, and whether it is the one it is taken for.
import { readFileSync } from 'node:fs';

/** Whether a process with this id runs, whoever owns it. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether it has ended and only waits for its parent to notice. */
function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether the process is workerd. Only where /proc tells: elsewhere nothing is ended by mistake. */
export function processIsWorkerd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.endsWith('workerd') === true;
  } catch {
    return false;
  }
}
