// The completions of a tree of verbs for fish, from 3.0 on.
import { allVerbs, type CompletedValue, type VerbTree } from './completion-tree.ts';

/** A script to be read by fish. */
export function fishCompletion(tree: VerbTree): string {
  const verbs = allVerbs(tree);
  const [root = ''] = tree.path;
  const name = `__${root.replace(/\W/g, '_')}`;
  const below = verbs.slice(1).map(({ path }) => quoted(path.join(' ')));
  const valued = verbs.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .flatMap(({ names }) => names.map((option) => quoted(`${path.join(' ')} ${option}`))),
  );
  return `# Completions of ${root} for fish: made by \`${root} completion fish\`.
function ${name}_place
    set -l verb ${root}
    set -l place 0
    set -l state verbs
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if test $state = value
            set state verbs
        else if test $state = rest
            set place (math $place + 1)
        else if test "$word" = --
            set state rest
        else if contains -- "$verb $word" ${below.join(' ')}
            set verb "$verb $word"
        else if contains -- "$verb $word" ${valued.join(' ')}
            set state value
        else if not string match -q -- '-*' "$word"
            set place (math $place + 1)
        end
    end
    echo $verb
    echo $place
end
function ${name}_at
    set -l now (${name}_place)
    test "$now[1]" = "$argv[1]"; or return
    test (count $argv) -eq 1; or test $now[2] -ge $argv[2] -a $now[2] -le $argv[3]
end
complete -c ${root} -f
${verbs.flatMap((verb) => completionsOf(verb, root, name)).join('\n')}
`;
}

function completionsOf({ path, options, args, verbs }: VerbTree, root: string, name: string): readonly string[] {
  const verb = quoted(path.join(' '));
  const at = (condition: string) => `complete -c ${root} -n ${quoted(`${name}_at ${condition}`)}`;
  return [
    ...verbs.map((each) => `${at(`${verb} 0 0`)} -a ${quoted(each.path.at(-1) ?? '')} -d ${quoted(each.description)}`),
    ...args.flatMap(({ value, isLast }, place) => {
      const offer = offerOf(value, ' -F');
      return offer === '' ? [] : [`${at(`${verb} ${place} ${isLast ? maxPlace : place}`)}${offer}`];
    }),
    ...options.map(({ names, description, value }) => {
      const flags = names.map((option) =>
        option.startsWith('--') ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`,
      );
      const taken = value === undefined ? '' : value.kind === 'file' ? ' -r -F' : ` -x${offerOf(value, '')}`;
      return `${at(verb)} ${flags.join(' ')} -d ${quoted(description)}${taken}`;
    }),
  ];
}

/** More arguments than anybody types. */
const maxPlace = 9_999;

function offerOf({ kind, words }: CompletedValue, files: string): string {
  if (kind === 'words') return ` -a ${quoted(words.join(' '))}`;
  if (kind === 'file') return files;
  if (kind === 'folder') return " -a '(__fish_complete_directories)'";
  return kind === 'command' ? " -a '(__fish_complete_subcommand)'" : '';
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
