// The verb `edgehop completion`, and where each shell looks for what it prints.
import { Argument, type Command } from 'commander';

const where = `
bash  edgehop completion bash > ~/.local/share/bash-completion/completions/edgehop
      or, without the package bash-completion, in ~/.bashrc: source <(edgehop completion bash)
zsh   edgehop completion zsh > FOLDER/_edgehop, where FOLDER is one of $fpath before compinit runs
      or, in ~/.zshrc after compinit: source <(edgehop completion zsh)
fish  edgehop completion fish > ~/.config/fish/completions/edgehop.fish
Make it anew after an update of edgehop.`;

/** Adds it to the program, of which it tells. */
export function completionVerb(root: Command): void {
  root
    .command('completion')
    .description('print what lets a shell complete the command edgehop: verbs, options and their values')
    .addArgument(new Argument('<shell>', 'that you use').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', where)
    .action(async (shell) => (await import('./completion.ts')).completion(shell, root));
}
