// What is said of a parent: its name and where it was named, never its credentials, and nothing of the request.
import { expect, test } from 'vitest';
import { parseParent } from '../../../agent/upstream/parent.ts';
import { parentError, parentUnreachable } from '../../../agent/upstream/parent-error.ts';
import { errorShape, ProxyError } from '../../../http/proxy-error.ts';
import { errorTypes, proxyErrorShape } from '../../../schemas/error.ts';

const parent = parseParent('https://me:hunter2@proxy.example:3128', 'parents.https');

test.each(errorTypes)('an unreachable parent has words for %s', (type) => {
  const cause = new ProxyError(type, 'What the socket said.', { status: 499 });
  const error = parentUnreachable(parent, cause);
  if (type === 'http_request_error') return expect(error).toBe(cause);
  expect(error).toMatchObject({ type, status: 499, cause });
  expect(error.message).toMatch(/^The parent proxy https:\/\/proxy\.example:3128 [a-z].*[^.]\.$/);
  expect(error.advice).toBe('Check parents.https, or name the destination in NO_PROXY.');
});

test('a fault says status and source, crosses boundaries, and never becomes a challenge', () => {
  const error = parentError(parent, 'credentials-refused', undefined, 407);
  expect(proxyErrorShape.parse(errorShape(error))).toEqual({
    type: 'proxy_configuration_error',
    status: 502,
    message: 'The parent proxy https://proxy.example:3128 does not take the credentials (status 407).',
    advice: 'Correct them in parents.https; special characters are percent-encoded there.',
  });
});
