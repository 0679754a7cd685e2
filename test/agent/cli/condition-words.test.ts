// Every condition as a clause.
import { expect, test } from 'vitest';
import { conditionsInWords, listed, quoted, responseConditionsInWords } from '../../../agent/cli/condition-words.ts';
import { responseConditions, ruleConditions } from '../../../schemas/rule.ts';

test.each([
  [{ host: ['a.example', '*.b.example', '*'] }, 'the host is a.example, below b.example or any'],
  [{ domain: 'example.com' }, 'the host is example.com or below it'],
  [{ list: 'ads' }, 'the host is on the list "ads"'],
  [{ port: [80, 8080] }, 'the port is 80 or 8080'],
  [{ scheme: 'https' }, 'the scheme is https'],
  [{ method: 'GET' }, 'the method is GET'],
  [{ url: 'http://a.example/*' }, 'the URL fits http://a.example/*'],
  [{ path: '/x*' }, 'the path fits /x*'],
  [
    { query: { a: '1', b: true, c: false } },
    'the parameter a fits "1", the parameter b is there and the parameter c is not there',
  ],
  [{ fields: { Cookie: false } }, 'the field Cookie is not there'],
  [{ client: '10.0.0.0/8' }, 'the client is 10.0.0.0/8'],
  [{ time: '09:00-17:00' }, 'the time of day is 09:00-17:00'],
  [{ weekday: ['mon', 'tue'] }, 'the weekday is mon or tue'],
  [{ not: { path: '/x', method: 'GET' } }, 'it is not so that the method is GET and the path fits /x'],
])('%j', (when, words) => {
  const clauses = conditionsInWords(ruleConditions.parse(when));
  expect(clauses.map(({ says }) => says)).toEqual([words]);
  expect(clauses[0]?.key).toBe(Object.keys(when)[0]);
});

test.each([
  [{ status: [404, '5xx'] }, ['the status is 404 or 5xx']],
  [{ type: 'text/*' }, ['the media type fits text/*']],
  [{ size: { minBytes: 1, maxBytes: 9 } }, ['the response says that it has at least 1 and at most 9 octets']],
  [{ size: {} }, ['the response says that it has some number of octets']],
])('of a response: %j', (when, words) => {
  expect(responseConditionsInWords(responseConditions.parse(when)).map(({ says }) => says)).toEqual(words);
});

test('of many only the first are named', () => {
  expect(listed(['1', '2', '3', '4', '5', '6', '7'], 'or')).toBe('1, 2, 3, 4, 5 or 2 more');
});

test('what a configuration says cannot forge lines or colours', () => {
  expect(quoted('a\n\u001b[31mb')).toBe('"a??[31mb"');
  expect(listed(['a\nb'], 'and')).toBe('a?b');
});
