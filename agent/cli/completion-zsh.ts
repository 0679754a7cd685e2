// The completions of a tree of verbs for zsh, by its own function _arguments.
import {
  allVerbs,
  type CompletedArgument,
  type CompletedOption,
  type CompletedValue,
  type VerbTree,
} from './completion-tree.ts';

/** A script to be read by zsh, or to lie as `_edgehop` in a folder of $fpath. */
export function zshCompletion(tree: VerbTree): string {
  const [root = ''] = tree.path;
  const name = functionName(tree);
  return `#compdef ${root}
# Completions of ${root} for zsh: made by \`${root} completion zsh\`.
${allVerbs(tree).map(functionsOf).join('\n')}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  ${name} "$@" # found in $fpath
else
  compdef ${name} ${root}
fi
`;
}

function functionsOf(tree: VerbTree): string {
  const { options, args, verbs } = tree;
  const name = functionName(tree);
  const specs = [...options.flatMap(optionSpecs), ...args.map(argumentSpec)];
  if (verbs.length === 0) return `${name}() {\n  _arguments -S${continued(specs)}\n}`;
  const descriptions = verbs.map(({ path, description }) => quoted(`${path.at(-1)}:${description}`));
  const cases = verbs.map((verb) => `    ${verb.path.at(-1)}) ${functionName(verb)} ;;`);
  // -A: what comes behind a verb is the verb's, also an option that is known here.
  return `${name}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C -S -A '-*'${continued([...specs, quoted(`1: :${name}__verbs`), quoted('*:: :->below')])}
  [[ $state == below ]] && case $line[1] in
${cases.join('\n')}
  esac
}
${name}__verbs() {
  local -a verbs
  verbs=(${continued(descriptions)}
  )
  _describe verb verbs
}`;
}

/** One for each of its names. What takes a value may be given more than once. */
function optionSpecs({ names, description, value }: CompletedOption): readonly string[] {
  const explained = `[${escaped(description)}]`;
  return names.map((name) => {
    if (value === undefined) return quoted(`(${names.join(' ')})${name}${explained}`);
    return quoted(`*${name}${name.startsWith('--') ? '=' : '+'}${explained}:${offerOf(value, ' ')}`);
  });
}

/** Nothing is said of an argument that cannot be completed: that would keep an option from being completed in its place. */
function argumentSpec({ value, isLast }: CompletedArgument, place: number): string {
  return quoted(`${isLast ? '*' : place + 1}:${offerOf(value, '{:}')}`);
}

/** `free`: what to do where it cannot be completed; a space shows its name. */
function offerOf({ name, kind, words }: CompletedValue, free: string): string {
  const actions = {
    words: `(${words.join(' ')})`,
    file: '_files',
    folder: '_files -/',
    command: '_command_names',
    free,
  };
  return `${escaped(name)}:${actions[kind]}`;
}

function functionName({ path }: VerbTree): string {
  return `_${path.join('__').replace(/[^\w-]/g, '_')}`;
}

function continued(parts: readonly string[]): string {
  return parts.map((part) => ` \\\n    ${part}`).join('');
}

/** What _arguments would take for the end of an explanation or of a message. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
