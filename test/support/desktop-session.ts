// A desktop's session of its own: a message bus, a home folder and the real programs of GNOME and KDE, none of it this machine's.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DesktopSession extends AsyncDisposable {
  /** For commands that shall see this session and no other. */
  readonly env: Readonly<Record<string, string>>;
  readonly kioslaverc: string;
  readonly keyfile: string;
  /** Runs a program of the session, in the place of which no stand-in comes. */
  run(program: string, ...args: readonly string[]): string;
  /** All that is stored, octet for octet where it is in files, and as gsettings lists it. */
  dump(): string;
  /** From now on a program kills its parent when it is to change a setting for the nth time: before it does, or after. */
  killAt(step: number, moment: 'before' | 'after'): void;
  /** No more of that. */
  spare(): void;
}

export interface SessionOptions {
  readonly backend: 'keyfile' | 'dconf';
  /** Programs that the commands find. */
  readonly programs: readonly string[];
}

/** Why no session can be made here; nothing where it can. */
export function whyNoSession(...programs: readonly string[]): string | undefined {
  if (process.platform !== 'linux') return 'this is no Linux';
  const missing = ['dbus-run-session', ...programs].find((program) => pathOf(program) === undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  if (!programs.includes('gsettings')) return undefined;
  const schemas = spawnSync('gsettings', ['list-keys', 'org.gnome.system.proxy'], {
    env: { ...process.env, GSETTINGS_BACKEND: 'memory' },
  });
  return schemas.status === 0 ? undefined : 'the schemas of GNOME (gsettings-desktop-schemas) are not installed';
}

/** Why settings would not outlive the program that makes them; nothing where they do. */
export function whyNoDconf(): string | undefined {
  const env = { ...process.env, GSETTINGS_BACKEND: 'dconf' };
  const { stderr } = spawnSync('gsettings', ['get', 'org.gnome.system.proxy', 'mode'], { env, encoding: 'utf8' });
  return /module|memory/i.test(stderr ?? '') ? 'dconf-gsettings-backend is not installed' : undefined;
}

export async function startDesktopSession({ backend, programs }: SessionOptions): Promise<DesktopSession> {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-desktop-'));
  const [bin, config, runtime] = ['bin', 'config', 'runtime'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const one of [bin, config, runtime]) mkdirSync(one, { mode: 0o700 });
  const [count, killing] = [join(folder, 'count'), join(folder, 'killing')];
  for (const program of programs) {
    const real = pathOf(program) as string;
    writeFileSync(join(bin, program), standIn(real, count, killing));
    chmodSync(join(bin, program), 0o755);
  }
  const sender = pathOf('dbus-send');
  if (sender !== undefined) writeFileSync(join(bin, 'dbus-send'), `#!/bin/sh\nexec ${sender} "$@"\n`, { mode: 0o755 });
  const own = {
    PATH: bin,
    HOME: folder,
    XDG_CONFIG_HOME: config,
    XDG_RUNTIME_DIR: runtime,
    GSETTINGS_BACKEND: backend,
    XDG_DATA_HOME: join(folder, 'data'),
  };
  const { bus, address } = await startBus({ ...process.env, ...own, PATH: process.env['PATH'] });
  const env = { ...own, DBUS_SESSION_BUS_ADDRESS: address };
  const kioslaverc = join(config, 'kioslaverc');
  const keyfile = join(config, 'glib-2.0', 'settings', 'keyfile');
  const run = (program: string, ...args: readonly string[]) => {
    const ran = spawnSync(pathOf(program) ?? program, args, {
      env: { ...process.env, ...env, PATH: process.env['PATH'] },
      encoding: 'utf8',
    });
    if (ran.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'latin1') : 'no such file');
  return {
    env,
    kioslaverc,
    keyfile,
    run,
    dump: () =>
      [
        ...(programs.includes('gsettings') ? [run('gsettings', 'list-recursively', 'org.gnome.system.proxy')] : []),
        ...[keyfile, kioslaverc].map(textOf),
      ].join('\n---\n'),
    killAt: (step, moment) => {
      writeFileSync(count, '0\n');
      writeFileSync(killing, `${step} ${moment}\n`);
    },
    spare: () => rmSync(killing, { force: true }),
    [Symbol.asyncDispose]: async () => {
      bus.stdin?.end();
      await once(bus, 'close');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Counts the changes, and dies with its parent at the one that it is told. The real program does all the rest. */
function standIn(real: string, count: string, killing: string): string {
  return `#!/bin/sh
case "$0 $1" in *gsettings\\ set|*gsettings\\ reset|*kwriteconfig*) ;; *) exec ${real} "$@" ;; esac
read -r step moment 2>/dev/null < ${killing} || exec ${real} "$@"
read -r n < ${count}
n=$((n + 1))
echo $n > ${count}
[ $n = "$step" ] || exec ${real} "$@"
[ "$moment" = before ] || ${real} "$@"
kill -KILL $PPID
`;
}

/** The bus lives as long as its standard input is open. */
async function startBus(env: NodeJS.ProcessEnv): Promise<{ readonly bus: ChildProcess; readonly address: string }> {
  const bus = spawn('dbus-run-session', ['--', 'sh', '-c', 'echo "$DBUS_SESSION_BUS_ADDRESS"; exec cat'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = (await once(bus.stdout, 'data')) as [Buffer];
  return { bus, address: line.toString().trim() };
}

function pathOf(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
