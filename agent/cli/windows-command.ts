// How a command is started: as it is, but on Windows, where npm and its like are scripts that only cmd.exe runs.
import { win32 } from 'node:path';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  /** The arguments are quoted already. */
  readonly isVerbatim: boolean;
}

/** `exists`: whether there is such a file. */
export function windowsCommand(
  command: string,
  args: readonly string[],
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean,
): CommandLine {
  const file = platform === 'win32' ? fileOf(command, env, exists) : undefined;
  if (file === undefined || !/\.(?:cmd|bat)$/i.test(file)) return { command, args, isVerbatim: false };
  const line = [`"${file}"`, ...args.map(quoted)].join(' ');
  const shell = env['ComSpec'] ?? 'C:\\Windows\\System32\\cmd.exe';
  return { command: shell, args: ['/d', '/s', '/c', `"${line}"`], isVerbatim: true };
}

/** By PATH and PATHEXT, as cmd.exe finds it. */
function fileOf(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean,
): string | undefined {
  const extensions = win32.extname(command) === '' ? (env['PATHEXT'] ?? '.COM;.EXE;.BAT;.CMD').split(';') : [''];
  const folders = /[\\/]/.test(command) ? [''] : ['.', ...(env['Path'] ?? env['PATH'] ?? '').split(';')];
  const places = folders.flatMap((folder) =>
    extensions.map((extension) => (folder === '' ? command : win32.join(folder, command)) + extension),
  );
  return places.find(exists);
}

/**
 * For the program's own parser (quotes, and backslashes before them, are escaped), and then for cmd.exe, twice: a script
 * hands its arguments on, so that they are read again.
 */
function quoted(argument: string): string {
  const forProgram = `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1')}"`;
  const forShell = (text: string) => text.replace(/[()%!^"<>&|;, *?]/g, '^$&');
  return forShell(forShell(forProgram));
}
