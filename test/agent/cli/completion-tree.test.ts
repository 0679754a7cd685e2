// What can be completed of a program.
import { Argument, Command, Option } from 'commander';
import { expect, test } from 'vitest';
import { allVerbs, verbTree } from '../../../agent/cli/completion-tree.ts';

const root = new Command('prog').version('1.0.0');
root
  .command('start')
  .option('--port <number>', 'of\n  the proxy')
  .option('-c, --config <file>', 'to read')
  .addOption(new Option('--log <form>', 'printed').choices(['pretty', 'a word', 'json']))
  .addOption(new Option('--old').hideHelp())
  .option('--no-cache', 'store nothing');
root.command('hidden', { hidden: true });
const group = root.command('group').description('of verbs');
group.command('put').argument('<file>').argument('[folder]').argument('[command...]');
group.command('pick').addArgument(new Argument('<shell>').choices(['a', 'b']));
const tree = verbTree(root);
const verbAt = (path: string) => allVerbs(tree).find((verb) => verb.path.join(' ') === path);

test('every verb that the help lists, by its path', () => {
  expect(allVerbs(tree).map(({ path }) => path.join(' '))).toEqual([
    'prog',
    'prog start',
    'prog group',
    'prog group put',
    'prog group pick',
    'prog group help',
    'prog help',
  ]);
});

test('options by their names, with what they take; hidden ones and words that a shell would read are left out', () => {
  expect(verbAt('prog start')?.options).toEqual([
    { names: ['--port'], description: 'of the proxy', value: { name: 'number', kind: 'free', words: [] } },
    { names: ['-c', '--config'], description: 'to read', value: { name: 'file', kind: 'file', words: [] } },
    { names: ['--log'], description: 'printed', value: { name: 'form', kind: 'words', words: ['pretty', 'json'] } },
    { names: ['--no-cache'], description: 'store nothing' },
    { names: ['-h', '--help'], description: 'display help for command' },
  ]);
});

test('options without a verb are those of start, too', () => {
  expect(tree.options.flatMap(({ names }) => names)).toEqual([
    ...['-V', '--version', '-h', '--help'],
    ...['--port', '-c', '--config', '--log', '--no-cache'],
  ]);
});

test('arguments by their place and what they are', () => {
  expect(verbAt('prog group put')?.args).toEqual([
    { value: { name: 'file', kind: 'file', words: [] }, isLast: false },
    { value: { name: 'folder', kind: 'folder', words: [] }, isLast: false },
    { value: { name: 'command', kind: 'command', words: [] }, isLast: true },
  ]);
  expect(verbAt('prog group pick')?.args[0]?.value).toEqual({ name: 'shell', kind: 'words', words: ['a', 'b'] });
});
