// What is read from wrangler: forms that wrangler 4.116.0 prints, and such as it might.
import { expect, test } from 'vitest';
import { deployedWorker, saysLoggedOut, secretNames, workerName } from '../../../agent/cli/wrangler-answers.ts';

const session =
  '{"type":"wrangler-session","version":1,"wrangler_version":"4.116.0","timestamp":"2026-11-22T00:30:24.677Z"}';
const deploy = (...targets: string[]) =>
  JSON.stringify({ type: 'deploy', version: 1, worker_name: 'edgehop', worker_tag: 'a', version_id: 'b', targets });

test.each([
  ['on workers.dev', ['https://edgehop.me.workers.dev'], ['https://edgehop.me.workers.dev']],
  [
    'on a domain of its own, which comes first',
    ['https://edgehop.me.workers.dev', 'edge.example.com (custom domain)'],
    ['https://edge.example.com', 'https://edgehop.me.workers.dev'],
  ],
  [
    'on a domain that is told with its zone',
    ['edge.example.com (custom domain - zone name: example.com)'],
    ['https://edge.example.com'],
  ],
  [
    'by routes, schedules and queues only',
    ['example.com/* (zone name: example.com)', 'schedule: 0 * * * *', 'Producer for q'],
    [],
  ],
  ['nowhere', [], []],
])('a worker that is deployed %s', (_, targets, origins) => {
  expect(deployedWorker(`${session}\n${deploy(...targets)}\n`)).toEqual({ name: 'edgehop', origins });
});

test.each([
  ['no line', ''],
  ['a command that failed', `${session}\n{"type":"command-failed","version":1,"message":"no"}\n`],
  ['half a line', `${session}\n${deploy('https://x.example').slice(0, 40)}`],
])('a file with %s tells of no deployment', (_, records) => {
  expect(deployedWorker(records)).toBeUndefined();
});

test.each([
  ['{"loggedIn":false}\n', true],
  ['\n{"loggedIn":false}\n', true],
  ['{\n    "loggedIn": true,\n    "authType": "OAuth Token"\n}\n', false],
  ['', false],
  ['✘ [ERROR] fetch failed', false],
])('whoami that prints %j', (text, isLoggedOut) => {
  expect(saysLoggedOut(text)).toBe(isLoggedOut);
});

test.each([
  ['[\n  {\n    "name": "EDGEHOP_TOKENS",\n    "type": "secret_text"\n  }\n]\n', ['EDGEHOP_TOKENS']],
  ['[]\n', []],
  ['Multiple environments are defined\n[]\n', []],
  ['✘ [ERROR] A request failed', undefined],
  ['{"name":"EDGEHOP_TOKENS"}', undefined],
  ['', undefined],
])('a list of secrets that reads %j', (text, names) => {
  expect(secretNames(text)).toEqual(names);
});

test.each([
  ['# name = "no"\nname = "edgehop"\nmain = "x"\n[[r2_buckets]]\nbucket_name = "b"\n', 'edgehop'],
  ["name='mine'", 'mine'],
  ['{\n  // "name": "no",\n  "name": "mine", "main": "x"\n}', 'mine'],
  ['main = "x"', undefined],
])('the name in %j', (text, name) => {
  expect(workerName(text)).toBe(name);
});
