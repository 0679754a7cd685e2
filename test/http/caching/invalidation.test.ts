// What unsafe methods make unusable. The cases named by the public suite carry its ids.
import { describe, expect, test } from 'vitest';
import { invalidatedUrls } from '../../../http/caching/invalidation.ts';
import { fieldLines } from '../../support/stored.ts';

const url = 'http://origin.test/dir/a?b';

function invalidated(method: string, status: number, ...lines: string[]) {
  return invalidatedUrls({ method, url }, { status, fields: fieldLines(...lines) });
}

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'UNKNOWN', 'get'])(
  'RFC 9111 4.4, invalidate-%s: the target, whether or not the method is known',
  (method) => {
    expect(invalidated(method, 200)).toEqual([url]);
    expect(invalidated(method, 204)).toEqual([url]);
    expect(invalidated(method, 399)).toEqual([url]);
  },
);

test.each([400, 404, 412, 500, 503])('invalidate-failed: nothing after %d', (status) => {
  expect(invalidated('POST', status, 'Location: /x')).toEqual([]);
});

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])('nothing after the safe %s', (method) => {
  expect(invalidated(method, 200, 'Location: /x', 'Content-Location: /y')).toEqual([]);
});

describe('what Location and Content-Location name', () => {
  test.each([
    ['location_target', 'http://origin.test/dir/location_target'],
    ['/dir/a/location_target', 'http://origin.test/dir/a/location_target'],
    ['//origin.test/x', 'http://origin.test/x'],
    ['HTTP://ORIGIN.test:80/x?#f', 'http://origin.test/x?'],
    ['?c', 'http://origin.test/dir/a?c'],
    ['/\xe4\xf6', 'http://origin.test/%E4%F6'],
  ])('%s', (value, expected) => {
    expect(invalidated('POST', 201, `Location: ${value}`)).toEqual([url, expected]);
    expect(invalidated('PUT', 201, `Content-Location: ${value}`)).toEqual([url, expected]);
  });

  test.each([
    'http://other.test/x',
    'https://origin.test/x',
    'http://origin.test:8080/x',
    'http://user@origin.test/x',
    'http://origin.test.evil.test/x',
    'http://[/',
    'javascript:x',
  ])('E01: nothing of another origin: %s', (value) => {
    expect(invalidated('POST', 200, `Location: ${value}`, `Content-Location: ${value}`)).toEqual([url]);
  });

  test('each once, the target too', () => {
    const lines = ['Location: /x', 'Content-Location: /x', `Content-Location: ${url}#f`];
    expect(invalidated('POST', 200, ...lines)).toEqual([url, 'http://origin.test/x']);
  });
});
