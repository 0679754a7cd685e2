// The machine whose proxy settings are changed: which desktops it has, how their commands run, and their text files.
import { spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Command, Desktop, Ran, Run } from './desktop.ts';
import { gnome } from './gnome.ts';
import { journalFile } from './journal-file.ts';
import { kde } from './kde.ts';
import { macos } from './macos.ts';
import type { SystemProxyPorts, TextStore } from './ports.ts';
import { windows } from './windows.ts';

/** What `switchOn` and `restoreSystemProxy` work on. Looks for programs on the PATH, and runs none. */
export function thisMachine(stateFolder: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): SystemProxyPorts {
  return {
    desktops: desktopsFound(env, platform),
    run: runner(env),
    journal: journalFile(stateFolder),
    texts: textFiles,
  };
}

function desktopsFound(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): readonly Desktop[] {
  if (platform === 'darwin') return [macos()];
  if (platform === 'win32') return [windows()];
  const configHome = env['XDG_CONFIG_HOME'];
  const folder =
    configHome !== undefined && isAbsolute(configHome) ? configHome : join(env['HOME'] || homedir(), '.config');
  const found: Desktop[] = [];
  if (isOnPath('gsettings', env))
    found.push(
      gnome(env['GSETTINGS_BACKEND'] === 'keyfile' ? join(folder, 'glib-2.0', 'settings', 'keyfile') : undefined),
    );
  const version = (['6', '5'] as const).find(
    (one) => isOnPath(`kwriteconfig${one}`, env) && isOnPath(`kreadconfig${one}`, env),
  );
  if (version !== undefined) found.push(kde(version, join(folder, 'kioslaverc')));
  return found;
}

function isOnPath(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => {
    if (!isAbsolute(folder)) return false;
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A PowerShell that starts for the first time takes long. */
const commandTimeoutMs = 30_000;
const maxPrintedCharacters = 1024 * 1024;

/** In a group of its own, so that Ctrl-C at the terminal does not end a command half way: what is set is undone in order. */
function runner(env: NodeJS.ProcessEnv): Run {
  return ({ program, args, env: more }: Command) =>
    new Promise<Ran>((resolve) => {
      const child = spawn(program, args, {
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
        windowsHide: true,
        timeout: commandTimeoutMs,
        killSignal: 'SIGKILL',
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (stdout.length < maxPrintedCharacters) stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (stderr.length < maxPrintedCharacters) stderr += text;
      });
      child.on('error', ({ message }) => resolve({ stdout, stderr: message }));
      child.on('close', (status) => resolve({ stdout, stderr, ...(status !== null && { status }) }));
    });
}

/** Every octet is one character here, so that a text of another character set comes back as it was. */
const textFiles: TextStore = {
  read: (path) => {
    try {
      return readFileSync(path, 'latin1');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
  },
  replace: (named, text) => {
    if (text === null) {
      rmSync(named, { force: true });
      return;
    }
    const path = realpathSync(named);
    const beside = `${path}.edgehop`;
    rmSync(beside, { force: true });
    writeFileSync(beside, text, { encoding: 'latin1', mode: statSync(path).mode & 0o777, flag: 'wx' });
    renameSync(beside, path);
  },
};
