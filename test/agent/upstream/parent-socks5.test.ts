// The octets of SOCKS5 as a client sends them, and what each reply means, also one octet at a time. RFC 1928, RFC 1929.
import { describe, expect, test } from 'vitest';
import type { Heard, Turn } from '../../../agent/upstream/converse.ts';
import { parseParent } from '../../../agent/upstream/parent.ts';
import { socks5Turn } from '../../../agent/upstream/parent-socks5.ts';

const parent = parseParent('socks5h://proxy.example', 'ALL_PROXY');
const known = parseParent('socks5h://m%C3%A9:secret@proxy.example', 'ALL_PROXY');

describe('the greeting', () => {
  test('offers credentials only where there are some', () => {
    expect(hex(socks5Turn(parent, 'o.example', 443).send)).toBe('050100');
    expect(hex(socks5Turn(known, 'o.example', 443).send)).toBe('05020002');
  });

  test.each<readonly [reply: string, of: typeof parent, type: string, says: RegExp]>([
    ['05ff', parent, 'proxy_configuration_error', /asks for credentials/],
    ['05ff', known, 'proxy_configuration_error', /does not take the credentials/],
    ['0502', parent, 'proxy_configuration_error', /asks for credentials/], // not offered
    ['0501', parent, 'proxy_configuration_error', /asks for credentials/], // GSSAPI
    ['04', parent, 'proxy_configuration_error', /does not speak SOCKS5/],
    ['48545450', parent, 'proxy_configuration_error', /does not speak SOCKS5/], // HTTP
  ])('%s is refused: %#', (reply, of, type, says) => {
    const heard = socks5Turn(of, 'o.example', 443).hear(Buffer.from(reply, 'hex'));
    expect(heard).toMatchObject({
      kind: 'refused',
      error: { type, status: 502, message: expect.stringMatching(says) },
    });
  });
});

describe('credentials', () => {
  test('are sent where the parent chooses them, and only there', () => {
    const asked = next(socks5Turn(known, 'o.example', 443), '0502');
    expect(hex(asked.send)).toBe(`01${'03'}${'6dc3a9'}06${Buffer.from('secret').toString('hex')}`);
    expect(hex(next(asked, '0100').send)).toMatch(/^050100/);
    expect(hex(next(socks5Turn(known, 'o.example', 443), '0500').send)).toMatch(/^050100/);
  });

  test.each(['0101', '01ff'])('that are refused by %s are told without being shown', (reply) => {
    const heard = next(socks5Turn(known, 'o.example', 443), '0502').hear(Buffer.from(reply, 'hex'));
    expect(heard).toMatchObject({ kind: 'refused', error: { type: 'proxy_configuration_error', status: 502 } });
    expect(JSON.stringify(heard)).not.toContain('secret');
  });
});

describe('the request', () => {
  test.each([
    ['o.example', 443, '03096f2e6578616d706c6501bb'],
    ['192.0.2.1', 80, '01c00002010050'],
    ['[2001:db8::1]', 65535, '0420010db8000000000000000000000001ffff'],
    ['2001:db8:0:0:1::', 1, '0420010db80000000000010000000000000001'],
    ['::1', 1, '04000000000000000000000000000000010001'],
    ['1:2:3:4:5:6:7:8', 1, '04000100020003000400050006000700080001'],
    ['::ffff:192.0.2.1', 80, '01c00002010050'],
  ])('for %s port %i is %s', (host, port, octets) => {
    expect(hex(next(socks5Turn(parent, host, port), '0500').send)).toBe(`050100${octets}`);
  });

  test.each([
    ['an IPv4 address', '05000001c00002010050'],
    ['an IPv6 address', `05000004${'00'.repeat(16)}0050`],
    ['a name', '050000030361626300500'.slice(0, -1)],
    ['an empty name', '05000003000050'],
  ])('is granted with %s, and no octet behind that is taken', (_, reply) => {
    const turn = next(socks5Turn(parent, 'o.example', 443), '0500');
    const octets = Buffer.from(reply, 'hex');
    expect(turn.hear(Buffer.concat([octets, Buffer.from('first octets')]))).toEqual({
      kind: 'open',
      octets: octets.length,
    });
    for (let i = 0; i < octets.length; i++) expect(turn.hear(octets.subarray(0, i)).kind).toBe('more');
  });

  test.each<readonly [reply: string, kind: Heard['kind'], type: string, status: number]>([
    ['0501', 'unreached', 'destination_unavailable', 502],
    ['0502', 'refused', 'http_request_denied', 403],
    ['0503', 'unreached', 'destination_ip_unroutable', 502],
    ['0504', 'unreached', 'destination_ip_unroutable', 502],
    ['0505', 'unreached', 'connection_refused', 502],
    ['0506', 'unreached', 'connection_timeout', 504],
    ['0507', 'unreached', 'destination_unavailable', 502],
    ['0508', 'unreached', 'destination_unavailable', 502],
    ['05ee', 'unreached', 'destination_unavailable', 502],
    ['0400', 'refused', 'proxy_configuration_error', 502],
    ['0500000700', 'refused', 'proxy_configuration_error', 502],
  ])('that is answered with %s is %s as %s', (reply, kind, type, status) => {
    const heard = next(socks5Turn(parent, 'o.example', 443), '0500').hear(Buffer.from(reply, 'hex'));
    expect(heard).toMatchObject({ kind, error: { type, status } });
  });
});

function next(turn: Turn, reply: string): Turn {
  const heard = turn.hear(Buffer.from(reply, 'hex'));
  if (heard.kind !== 'next') throw new Error(heard.kind);
  expect(heard.octets).toBe(reply.length / 2);
  expect(turn.hear(Buffer.from(reply.slice(0, 2), 'hex')).kind).toBe('more');
  return heard.turn;
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
