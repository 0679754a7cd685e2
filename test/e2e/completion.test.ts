// `edgehop completion`, completed for real by the shells that are on this machine.
import { Argument, Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { bashCompletion } from '../../agent/cli/completion-bash.ts';
import { fishCompletion } from '../../agent/cli/completion-fish.ts';
import { verbTree } from '../../agent/cli/completion-tree.ts';
import { zshCompletion } from '../../agent/cli/completion-zsh.ts';
import { makeHome } from '../support/command.ts';
import { isInstalled } from '../support/program.ts';
import { completingShell, type ShellName } from '../support/shells.ts';

const made = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
const shells = Object.keys(made) as readonly ShellName[];
const scripts = new Map<ShellName, string>();
let verbs: readonly string[];

beforeAll(async () => {
  using home = makeHome();
  for (const shell of shells) scripts.set(shell, (await home.run(['completion', shell])).stdout);
  const { stdout } = await home.run(['--help']);
  verbs = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, verb = '']) => verb);
});

describe.each(shells)('%s', (shell) => {
  describe.skipIf(!isInstalled(shell))('that is on this machine', () => {
    const completing = (script = scripts.get(shell) ?? '', files: readonly string[] = []) =>
      completingShell(shell, script, files);

    test('finds nothing wrong with the script', () => {
      using own = completing();
      expect(own.syntaxErrors()).toBe('');
    });

    test.each([
      ['a verb', 'edgehop ru', 'rules'],
      ['a verb below a verb', 'edgehop rules exp', 'explain'],
      ['an option', 'edgehop cache ls --lim', '--limit'],
      ['an option of start without its verb', 'edgehop --allow', '--allow-private'],
      ['a choice', 'edgehop start --log pre', 'pretty'],
      ['a choice behind =', 'edgehop start --log=pre', 'pretty'],
      ['a choice that is an argument', 'edgehop completion fi', 'fish'],
      ['what follows an option with a value', 'edgehop get --port 80 --dir', '--direct'],
      ['a file of an option', 'edgehop start --config on', 'one.jsonc'],
      ['a file of an argument', 'edgehop config validate on', 'one.jsonc'],
      ['a verb of deployed edges', 'edgehop edge dep', 'deploy'],
    ])('completes %s', (_, line, word) => {
      using own = completing(undefined, ['one.jsonc', 'two.jsonc']);
      const [offered = ''] = own.complete(line);
      expect(own.complete(line)).toHaveLength(1);
      expect(offered.split(/[ =]/).filter(Boolean).at(-1)).toBe(word);
    });

    test.skipIf(shell === 'zsh')('offers every verb that the help lists, and no file where none belongs', () => {
      using own = completing(undefined, ['one.jsonc']);
      expect(verbs).toContain('completion');
      expect([...own.complete('edgehop ')].sort()).toEqual([...verbs].sort());
      expect(own.complete('edgehop get ')).toEqual([]);
    });

    test('reads descriptions as text, whatever is in them', () => {
      const root = new Command('edgehop');
      for (const [at, text] of hostile.entries())
        root.command(`verb${at}`).description(text).option(`--option${at} <file>`, text).option(`-${at}`, text);
      root
        .command('named')
        .addArgument(new Argument('<it]s:$(touch pwned)>', 'x').choices(['plain', '$(touch pwned)']));
      using own = completing(made[shell](verbTree(root)));
      expect(own.syntaxErrors()).toBe('');
      for (const at of hostile.keys()) {
        expect(own.complete(`edgehop verb${at} --opt`).join(' ')).toContain(`--option${at}`);
        own.complete(`edgehop verb${at}`);
      }
      expect(own.complete('edgehop named pl').join(' ')).toContain('plain');
      expect(own.files()).toEqual([]);
    });
  });
});

const hostile = [
  "it's 'quoted'",
  '"double" and `touch pwned` and $(touch pwned) and $x',
  'a [bracket] and ]another[, a:colon, back\\slash\\',
  'a\nline; touch pwned\n#',
  '%s %d *.* ~ !! & | < > (a b)',
] as const;

test('an unknown shell is refused, and the three are named', async () => {
  using home = makeHome();
  const { code, stderr } = await home.run(['completion', 'tcsh']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('bash, zsh, fish')]);
});

test('the help says where it belongs', async () => {
  using home = makeHome();
  const { stdout } = await home.run(['completion', '--help']);
  for (const place of ['bash-completion/completions', '$fpath', '.config/fish/completions'])
    expect(stdout).toContain(place);
});
