// Answers of rules: what they say, whose rule it was, and nothing that a field could not hold.
import { expect, test } from 'vitest';
import { createAnswers } from '../../../../agent/proxy/apply/answers.ts';
import type { Ending } from '../../../../agent/proxy/ports.ts';
import type { AnswerAction } from '../../../../http/plan/plan.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { receivedOf, stillClock } from '../../../support/walk.ts';

const answers = createAnswers({ clock: stillClock(), folder: '/nowhere', boundary: () => 'b' });

test.each<[AnswerAction, object]>([
  [
    { kind: 'block', block: { status: 451 } },
    { kind: 'failed', error: { type: 'http_request_denied', status: 451, message: 'The rule "r" blocks this.' } },
  ],
  [
    { kind: 'block', block: { status: 403, message: 'Later.' } },
    { error: { message: 'Later.', advice: 'To change this, edit the rule "r" in edgehop.jsonc.' } },
  ],
  [
    { kind: 'block', block: 'drop' },
    { kind: 'dropped', error: { message: 'The rule "r" drops this.' } },
  ],
  [
    { kind: 'redirect', location: 'http://new.example/', status: 307 },
    {
      response: {
        status: 307,
        reason: 'Temporary Redirect',
        fields: [
          ['Location', 'http://new.example/'],
          ['Cache-Control', 'no-store'],
        ],
      },
    },
  ],
  [
    { kind: 'redirect', location: 'http://new.example/\r\nSet-Cookie: a=b', status: 307 },
    { kind: 'failed', error: { type: 'proxy_configuration_error', status: 500 } },
  ],
  [
    { kind: 'failed', error: new ProxyError('proxy_loop_detected', 'Round.') },
    { kind: 'failed', error: { type: 'proxy_loop_detected' }, source: 'agent', mayRetry: false },
  ],
])('%j', async (action, ending) => {
  expect(await answered(action)).toMatchObject(ending);
});

test.each([
  ['GET', 200, 5],
  ['HEAD', 200, 0],
  ['POST', 200, 5],
  ['GET', 204, 0],
  ['GET', 205, 0],
  ['GET', 304, 0],
  ['GET', 404, 5],
])('%s is answered with %i and %i octets', async (method, status, octets) => {
  const ending = await answered({ kind: 'respond', respond: { status, text: 'hello', fields: {} } }, method);
  if (ending.kind !== 'response') throw new Error(ending.kind);
  const { content, fields } = ending.response;
  expect(ending.response.status).toBe(status);
  if (content.kind === 'none') expect(octets).toBe(0);
  else
    expect([content.octets, content.held?.length, receivedOf(content.source)]).toEqual([
      5,
      5,
      { octets: 'hello', endings: ['end'] },
    ]);
  expect(fields.filter(([name]) => /^(?:content-length|age)$/i.test(name))).toEqual(
    method === 'HEAD' ? [['Content-Length', '5']] : [],
  );
});

test('fields of the rule stand in the place of our own', async () => {
  const fields = { 'content-type': 'text/x', 'Cache-Control': 'max-age=5', 'X-Own': '1' };
  expect(await answered({ kind: 'respond', respond: { status: 200, text: 'x', fields } })).toMatchObject({
    response: { fields: Object.entries(fields) },
  });
});

test('ranges and conditions are those of a 200 only', async () => {
  const ask = async (status: number, field: [string, string]) => {
    const ending = await answered(
      { kind: 'respond', respond: { status, text: 'hello', fields: { ETag: '"a"' } } },
      'GET',
      [field],
    );
    return ending.kind === 'response' ? ending.response.status : ending.kind === 'failed' ? ending.error.status : 0;
  };
  expect(await ask(200, ['Range', 'bytes=0-1'])).toBe(206);
  expect(await ask(200, ['If-None-Match', '"a"'])).toBe(304);
  expect(await ask(200, ['If-Match', '"b"'])).toBe(412);
  expect(await ask(500, ['Range', 'bytes=0-1'])).toBe(500);
  expect(await ask(500, ['If-None-Match', '"a"'])).toBe(500);
  expect(await ask(500, ['If-Match', '"b"'])).toBe(500);
});

async function answered(
  action: AnswerAction,
  method = 'GET',
  fields: readonly (readonly [string, string])[] = [],
): Promise<Ending> {
  return answers({ rule: 'r', action }, { method, url: 'http://o.example/', fields });
}
