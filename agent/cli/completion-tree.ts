// What can be completed of a program: its verbs with what may follow each of them, as its help would list it.
import type { Argument, Command, Option } from 'commander';

export interface VerbTree {
  /** From the program's name on: `edgehop cache ls`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly args: readonly CompletedArgument[];
  readonly verbs: readonly VerbTree[];
}

export interface CompletedOption {
  /** With their hyphens: `-n`, `--count`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Absent where it takes none. */
  readonly value?: CompletedValue;
}

export interface CompletedArgument {
  readonly value: CompletedValue;
  /** It takes all that follows. */
  readonly isLast: boolean;
}

export interface CompletedValue {
  readonly name: string;
  readonly kind: 'words' | 'file' | 'folder' | 'command' | 'free';
  /** None but for `words`. */
  readonly words: readonly string[];
}

/** The verb whose options are taken without it, too. */
const impliedVerb = 'start';

/** The tree of a program. Where no verb is named, `start` is meant. */
export function verbTree(root: Command): VerbTree {
  const tree = treeOf(root, []);
  const implied = tree.verbs.find(({ path }) => path.at(-1) === impliedVerb)?.options ?? [];
  const own = tree.options.flatMap(({ names }) => names);
  return { ...tree, options: [...tree.options, ...implied.filter(({ names }) => !names.some((n) => own.includes(n)))] };
}

/** The tree and all below it. */
export function allVerbs(tree: VerbTree): readonly VerbTree[] {
  return [tree, ...tree.verbs.flatMap(allVerbs)];
}

function treeOf(command: Command, above: readonly string[]): VerbTree {
  const help = command.createHelp();
  const path = [...above, command.name()];
  return {
    path,
    description: oneLine(command.description()),
    options: help.visibleOptions(command).map(optionOf),
    args: command.registeredArguments.map(argumentOf),
    verbs: help.visibleCommands(command).map((verb) => treeOf(verb, path)),
  };
}

function optionOf(option: Option): CompletedOption {
  const names = [option.short, option.long].filter((name) => name !== undefined && name !== null);
  const placeholder = /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? '';
  return {
    names,
    description: oneLine(option.description),
    ...(option.required && { value: completedValue(placeholder, option.argChoices) }),
  };
}

function argumentOf(argument: Argument): CompletedArgument {
  return { value: completedValue(argument.name(), argument.argChoices), isLast: argument.variadic };
}

/** What stands for the value in the help says what it is: `<file>`. */
function completedValue(name: string, choices: readonly string[] | undefined): CompletedValue {
  if (choices !== undefined) return { name, kind: 'words', words: choices.filter(isPlainWord) };
  return { name, kind: kinds[name.toLowerCase()] ?? 'free', words: [] };
}

const kinds: Readonly<Record<string, CompletedValue['kind']>> = {
  file: 'file',
  folder: 'folder',
  directory: 'folder',
  command: 'command',
};

/** A word that no shell takes for anything else. */
function isPlainWord(word: string): boolean {
  return /^[\w@%+=:,./-]+$/.test(word);
}

/** As lists of a shell have it. */
function oneLine(text: string): string {
  return text.replace(/[\s\x00-\x1f\x7f]+/g, ' ').trim();
}
