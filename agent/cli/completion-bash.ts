// The completions of a tree of verbs for bash, from 3.2 on, which macOS has.
import { allVerbs, type CompletedValue, type VerbTree } from './completion-tree.ts';

/** A script to be read by bash. */
export function bashCompletion(tree: VerbTree): string {
  const verbs = allVerbs(tree);
  const [root = ''] = tree.path;
  const name = `_${root.replace(/\W/g, '_')}`;
  const below = verbs.slice(1).map(({ path }) => quoted(path.join(' ')));
  return `# Completions of ${root} for bash: made by \`${root} completion bash\`.
${name}() {
  local verb=${root} place=0 option= only= word i
  local typed="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ $word == = ]]; then continue; fi # bash parts --option=value
    if [[ -n $option ]]; then option=; continue; fi
    if [[ -n $only ]]; then ((place++)); continue; fi
    case $word in
      --) only=yes ;;
      -?*)
        case "$verb $word" in
          ${patterns(optionsWithValue(verbs))}) option=$word ;;
        esac ;;
      *)
        case "$verb $word" in
          ${patterns(below)}) verb="$verb $word" ;;
          *) ((place++)) ;;
        esac ;;
    esac
  done
  if [[ $typed == = ]]; then typed=; fi
  if [[ -n $option ]]; then
    case "$verb $option" in
${lines(verbs.flatMap((verb) => valueCases(verb, name)))}
    esac
  elif [[ -z $only && $typed == -* ]]; then
    case $verb in
${lines(verbs.map((verb) => optionCase(verb, name)))}
    esac
  else
    case "$verb $place" in
${lines(verbs.flatMap((verb) => argumentCases(verb, name)))}
    esac
  fi
}
${name}_of() {
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$@" -- "$typed")
}
${name}_files() {
  # Readline quotes what it completes by itself; older shells cannot be told to.
  compopt -o "$1" 2>/dev/null || ${name}_of "$2"
}
complete -F ${name} ${root}
`;
}

function optionsWithValue(verbs: readonly VerbTree[]): readonly string[] {
  return verbs.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== undefined)
      .flatMap(({ names }) => names.map((option) => quoted(`${path.join(' ')} ${option}`))),
  );
}

function valueCases({ path, options }: VerbTree, name: string): readonly string[] {
  return options.flatMap(({ names, value }) => {
    const offer = value === undefined ? undefined : offerOf(value, name);
    return offer === undefined
      ? []
      : [`${names.map((option) => quoted(`${path.join(' ')} ${option}`)).join('|')}) ${offer} ;;`];
  });
}

function optionCase({ path, options }: VerbTree, name: string): string {
  const words = options.flatMap(({ names }) => names).join(' ');
  return `${quoted(path.join(' '))}) ${name}_of -W ${quoted(words)} ;;`;
}

function argumentCases({ path, args, verbs }: VerbTree, name: string): readonly string[] {
  const verb = path.join(' ');
  const names = verbs.map((each) => each.path.at(-1)).join(' ');
  return [
    ...(verbs.length === 0 ? [] : [`${quoted(`${verb} 0`)}) ${name}_of -W ${quoted(names)} ;;`]),
    ...args.flatMap(({ value, isLast }, place) => {
      const offer = offerOf(value, name);
      const pattern = isLast ? `${quoted(`${verb} `)}*` : quoted(`${verb} ${place}`);
      return offer === undefined ? [] : [`${pattern}) ${offer} ;;`];
    }),
  ];
}

function offerOf({ kind, words }: CompletedValue, name: string): string | undefined {
  if (kind === 'words') return `${name}_of -W ${quoted(words.join(' '))}`;
  if (kind === 'file') return `${name}_files default -f`;
  if (kind === 'folder') return `${name}_files dirnames -d`;
  return kind === 'command' ? `${name}_of -c` : undefined;
}

function patterns(quotedPatterns: readonly string[]): string {
  return quotedPatterns.length === 0 ? "''" : quotedPatterns.join('|');
}

function lines(cases: readonly string[]): string {
  return [...cases, '*) ;;'].map((line) => `      ${line}`).join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
