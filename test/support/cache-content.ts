// Heads and contents of stored responses, for tests of the store.
import type { StoredResponse } from '../../http/caching/stored.ts';

export const mebibyte = 1024 * 1024;

export function headOf(url: string, more: Partial<StoredResponse> = {}): Omit<StoredResponse, 'octets'> {
  return {
    url,
    status: 200,
    reason: 'OK',
    fields: [
      ['Content-Type', 'text/plain'],
      ['X-Latin', 'caf\xe9'],
    ],
    selecting: [],
    requestTime: 1_000,
    responseTime: 1_050,
    ...more,
  };
}

/** Content in which every place can be told from every other. */
export function contentOf(octets: number, seed = 0): Buffer {
  const content = Buffer.allocUnsafe(octets);
  for (let i = 0; i < octets; i++) content[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16) * 13 + seed) & 0xff;
  return content;
}
