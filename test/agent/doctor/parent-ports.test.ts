// Parent proxies that are really asked, and what they are asked for: nothing that leads further.
import { expect, onTestFinished, test } from 'vitest';
import { type ParentWay, parentPorts } from '../../../agent/doctor/parent-ports.ts';
import { parseParent } from '../../../agent/upstream/parent.ts';
import { config } from '../../../schemas/config.ts';
import { type AnswerHead, startHttpParent, startSocksParent } from '../../support/parent.ts';
import { never } from '../../support/situation.ts';
import { closedPort } from '../../support/tcp.ts';

const way: ParentWay = {
  limits: config.parse({}).limits,
  resolve: async () => ({ kind: 'resolved', addresses: ['127.0.0.1'] }),
  isOwn: (_, port) => port === 8080,
  timeoutMs: 5_000,
};

const ports = parentPorts(way);

const asked = (text: string) => ports.asked(parseParent(text, 'HTTP_PROXY'), never);

async function httpParent(answer: AnswerHead) {
  const parent = await startHttpParent(answer);
  onTestFinished(() => parent[Symbol.asyncDispose]());
  return parent;
}

test('a parent is asked for what it answers itself, with its credentials', async () => {
  const parent = await httpParent((_, socket) => void socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
  expect(await asked(`http://me:hush@127.0.0.1:${parent.port}`)).toEqual({ kind: 'answered', status: 204 });
  const [head = ''] = parent.asked;
  expect(head).toMatch(/^OPTIONS http:\/\/edgehop\.invalid\/ HTTP\/1\.1\r\n/);
  expect(head).toMatch(/\r\nMax-Forwards: 0\r\n/i);
  expect(head).toMatch(/\r\nProxy-Authorization: Basic bWU6aHVzaA==/i);
});

test('one that wants credentials says so by its status', async () => {
  const parent = await httpParent((_, socket) => void socket.end('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n'));
  expect(await asked(`http://127.0.0.1:${parent.port}`)).toEqual({ kind: 'answered', status: 407 });
});

test('one that does not speak HTTP, or closes, is named in the sentence', async () => {
  const talker = await httpParent((_, socket) => void socket.end('220 mail.example\r\n'));
  expect(await asked(`http://127.0.0.1:${talker.port}`)).toMatchObject({
    kind: 'refused',
    error: { message: `The parent proxy http://127.0.0.1:${talker.port} does not answer in HTTP/1.1.` },
  });
  const closer = await httpParent((_, socket) => void socket.end());
  expect(await asked(`http://127.0.0.1:${closer.port}`)).toMatchObject({ kind: 'refused' });
});

test('one that is not there is told with what to do', async () => {
  const port = await closedPort();
  expect(await asked(`http://127.0.0.1:${port}`)).toMatchObject({
    kind: 'unreachable',
    error: { type: 'connection_refused', message: `The parent proxy http://127.0.0.1:${port} refuses the connection.` },
  });
});

test('one that says nothing is waited for no longer than a person waits', async () => {
  const parent = await httpParent(() => undefined);
  const impatient = parentPorts({ ...way, timeoutMs: 50 });
  const named = (scheme: string) => parseParent(`${scheme}://127.0.0.1:${parent.port}`, 'HTTP_PROXY');
  expect(await impatient.asked(named('http'), never)).toEqual({ kind: 'silent' });
  expect(await impatient.asked(named('socks5h'), never)).toEqual({ kind: 'silent' });
});

test('one that is edgehop itself is not asked', async () => {
  expect(await asked('http://localhost:8080')).toEqual({ kind: 'ourselves' });
});

test('by SOCKS5 only the conversation counts, not what is behind the parent', async () => {
  const parent = await startSocksParent({ credentials: 'me:hush', destination: () => ({ reply: 4 }) });
  onTestFinished(() => parent[Symbol.asyncDispose]());
  expect(await asked(`socks5h://me:hush@127.0.0.1:${parent.port}`)).toEqual({ kind: 'answered', status: undefined });
  expect(parent.asked).toEqual(['edgehop.invalid:80']);
  expect(await asked(`socks5h://me:wrong@127.0.0.1:${parent.port}`)).toMatchObject({
    kind: 'refused',
    error: { message: expect.stringContaining('does not take the credentials') },
  });
});
