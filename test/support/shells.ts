// The shells of this machine, asked what they complete.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads a script and completes lines by it. A line is completed at its end. */
export interface CompletingShell extends Disposable {
  /** What the shell says of the script's syntax; empty where that is right. */
  syntaxErrors(): string;
  /** What it offers; of zsh, the line as a tab has completed it. */
  complete(line: string): readonly string[];
  /** What is in its working directory. */
  files(): readonly string[];
}

const timeoutMs = 20_000;

export type ShellName = 'bash' | 'zsh' | 'fish';

/** `files` are made in the working directory of the shell. */
export function completingShell(name: ShellName, script: string, files: readonly string[] = []): CompletingShell {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-shell-'));
  const path = join(folder, '.script');
  writeFileSync(path, script);
  for (const file of files) writeFileSync(join(folder, file), '');
  const run = (program: string, args: readonly string[]) => {
    const env = {
      PATH: process.env['PATH'],
      HOME: join(folder, '.home'),
      XDG_CONFIG_HOME: join(folder, '.home'),
      XDG_DATA_HOME: join(folder, '.home'),
      TERM: 'dumb',
    };
    const { stdout, stderr, error } = spawnSync(program, args, {
      cwd: folder,
      env,
      encoding: 'utf8',
      timeout: timeoutMs,
    });
    if (error !== undefined) throw error;
    return { stdout, stderr };
  };
  return {
    syntaxErrors: () => run(name, ['-n', path]).stderr,
    complete: (line) => completers[name](run, path, line),
    files: () => readdirSync(folder).filter((file) => !file.startsWith('.')),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

type Run = (program: string, args: readonly string[]) => { readonly stdout: string; readonly stderr: string };

const completers: Readonly<Record<ShellName, (run: Run, path: string, line: string) => readonly string[]>> = {
  // The words as readline parts them: at spaces, and each = alone.
  bash: (run, path, line) => {
    const words = line.split(/ +|(?<==)|(?==)/);
    const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      _edgehop; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf(run('bash', ['--norc', '-c', program, 'bash', path, ...words]).stdout);
  },
  fish: (run, path, line) =>
    linesOf(run('fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', path, line]).stdout).map(
      (each) => each.split('\t')[0] ?? '',
    ),
  zsh: (run, path, line) =>
    linesOf(run('zsh', ['-f', '-c', zshAtTerminal, 'zsh', path, line]).stdout).flatMap(
      (each) => /END (.*)/.exec(each)?.[1]?.trim() ?? [],
    ),
};

/** A zsh at a terminal of its own, which says when it is ready, and that it has completed. */
const zshAtTerminal = `zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'PS1= RPS1= PROMPT_SP= LISTMAX=0; unsetopt beep; stty rows 60 cols 200 -echo'
zpty -w shell "autoload -U compinit; compinit -u -D; source \${(q)1}"
zpty -w shell "done-completing() { zle complete-word; zle -I; print -r -- E''ND \\$LBUFFER }; zle -N done-completing; bindkey '^I' done-completing"
zpty -w shell "zstyle ':completion:*' list-prompt ''; print -r -- REA''DY"
zpty -r shell out '*READY*'
zpty -n -w shell "$2"$'\\t'
zpty -r shell out '*END *'$'\\n'
print -r -- "$out"
zpty -d shell`;

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
