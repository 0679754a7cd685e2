// `edgehop completion SHELL`: prints the completions of a shell, made of the program's own verbs and options.
import type { Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { type VerbTree, verbTree } from './completion-tree.ts';
import { zshCompletion } from './completion-zsh.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const scripts: Readonly<Record<Shell, (tree: VerbTree) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Prints the script on stdout. */
export function completion(shell: Shell, root: Command): void {
  process.stdout.write(scripts[shell](verbTree(root)));
}
