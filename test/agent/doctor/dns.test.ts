// Name servers.
import { expect, test } from 'vitest';
import { dnsCheck } from '../../../agent/doctor/dns.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { never, told } from '../../support/situation.ts';

const failed = (message: string, code?: string) =>
  ({
    kind: 'failed',
    error: new ProxyError(
      'dns_error',
      message,
      code === undefined ? {} : { cause: Object.assign(new Error(), { code }) },
    ),
  }) as const;

test.each([
  [{ kind: 'resolved', addresses: ['192.0.2.1'] } as const, undefined, 'pass dns: example.com is 192.0.2.1'],
  [
    { kind: 'resolved', addresses: ['192.0.2.1', '192.0.2.2'] } as const,
    undefined,
    'pass dns: example.com is 192.0.2.1 and others',
  ],
  [
    failed('No name server answers.', 'EAI_AGAIN'),
    undefined,
    'fail dns: example.com is not resolved: no name server answers (EAI_AGAIN)',
  ],
  [
    failed('The name server did not answer within 4000 ms.'),
    undefined,
    'fail dns: example.com is not resolved: the name server did not answer within 4000 ms',
  ],
  [
    failed('No name server answers.', 'EAI_AGAIN'),
    'http://p:1',
    'skip dns: example.com is not resolved: no name server answers (EAI_AGAIN); the parent proxy http://p:1 looks names up',
  ],
])('%j, with the parent %s', async (answer, parent, expected) => {
  expect(told(await dnsCheck({ lookup: async () => answer, parent }).run(never))).toBe(expected);
});
