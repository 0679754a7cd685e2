// Whether this user has a systemd of its own that can be asked, and if not, why and what to do about it.
import { attempted, failureOf } from './not-done.ts';
import type { NotDone, Surroundings } from './ports.ts';

export type Session =
  | { readonly kind: 'there'; readonly unitFolders: readonly string[]; readonly notes: readonly string[] }
  | { readonly kind: 'none'; readonly notDone: Omit<NotDone, 'left'> };

export async function userSession(around: Surroundings): Promise<Session> {
  const { run, user } = around;
  const shown = await run('systemctl', ['--user', 'show', '--property=UnitPath', '--value']);
  const failure = failureOf('systemctl --user show', shown);
  if (failure !== undefined || shown.kind !== 'ended') return none(shown.kind, failure ?? '', around);
  const linger = await run('loginctl', ['show-user', user.name, '--property=Linger', '--value']);
  // Where loginctl does not know, nothing is said: it is a hint only.
  const ends = linger.kind === 'ended' && linger.stdout.trim() === 'no';
  return {
    kind: 'there',
    unitFolders: shown.stdout.trim().split(/\s+/),
    notes: ends
      ? [
          `It runs while ${user.name} is logged in. To start it with the machine and keep it: loginctl enable-linger ${user.name}`,
        ]
      : [],
  };
}

const byHand = 'Start it with `edgehop start`, or by the supervisor that you have.';

function none(kind: string, failure: string, around: Surroundings): Extract<Session, { kind: 'none' }> {
  const because = (text: string, advice: string) =>
    ({ kind: 'none', notDone: { kind: 'not-done', what: 'no-supervisor', because: text, advice } }) as const;
  if (kind === 'absent') return because('there is no systemd here: systemctl was not found', byHand);
  if (!around.files.exists('/run/systemd/system')) {
    const isWsl = around.env['WSL_DISTRO_NAME'] !== undefined || textOf(around, '/proc/version').includes('microsoft');
    if (isWsl)
      return because(
        'this WSL was started without systemd',
        'Put the lines "[boot]" and "systemd=true" into /etc/wsl.conf, run `wsl.exe --shutdown`, and try again.',
      );
    return because('this system was not started by systemd, as is usual in containers', byHand);
  }
  if (isWithoutBus(failure))
    return because(
      `${around.user.name} has no systemd session here (${failure})`,
      `Log in as ${around.user.name} itself, not by su or sudo, or let its session be started with the machine: loginctl enable-linger ${around.user.name}; then set XDG_RUNTIME_DIR=/run/user/${around.user.id ?? 'ID'}.`,
    );
  return because(failure, 'See `systemctl --user status`.');
}

function isWithoutBus(failure: string): boolean {
  return /failed to connect to (?:user scope )?bus|XDG_RUNTIME_DIR/i.test(failure);
}

function textOf({ files }: Surroundings, path: string): string {
  let text = '';
  attempted(() => {
    const found = files.find(path);
    if (found.kind === 'file') text = found.text.toLowerCase();
  });
  return text;
}
