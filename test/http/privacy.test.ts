// What origins are told of the hop and of the client, by each setting.
import { describe, expect, test } from 'vitest';
import { type PassingHop, passedOnFields } from '../../http/privacy.ts';
import { hasPassed } from '../../http/via.ts';

const passing = { httpVersion: '1.1', scheme: 'http', client: '192.0.2.7' } as const;
const hop = (privacy: Partial<PassingHop['privacy']> = {}): PassingHop => ({
  privacy: { via: 'pseudonym', forwarded: 'off', ...privacy },
  pseudonym: 'edgehop-1a2b',
  machine: 'my-laptop',
  clientPseudonym: () => 'x9',
});

test('by default a pseudonym of this run, and nothing of machine and client', () => {
  expect(passedOnFields([['Accept', '*/*']], passing, hop())).toEqual([
    ['Accept', '*/*'],
    ['Via', '1.1 edgehop-1a2b'],
  ]);
});

describe('Via', () => {
  test.each([
    ['on', '1.1 edgehop-1a2b (my-laptop)', true],
    ['pseudonym', '1.1 edgehop-1a2b', true],
    ['off', undefined, false],
  ] as const)('%s', (via, member, isFound) => {
    const fields = passedOnFields([['Via', '1.0 fred']], passing, hop({ via }));
    expect(fields.map(([, value]) => value)).toEqual(member === undefined ? ['1.0 fred'] : ['1.0 fred', member]);
    expect(hasPassed(fields, 'edgehop-1a2b')).toBe(isFound);
  });

  test('a name of the machine that is no name stays out of the field', () => {
    const fields = passedOnFields([], passing, { ...hop({ via: 'on' }), machine: 'Ann’s (laptop)' });
    expect(fields).toEqual([['Via', '1.1 edgehop-1a2b']]);
  });

  test('another machine of the same name is no loop', () => {
    const fields = passedOnFields([], passing, { ...hop({ via: 'on' }), pseudonym: 'edgehop-ffff' });
    expect(hasPassed(fields, 'edgehop-1a2b')).toBe(false);
  });
});

describe('Forwarded', () => {
  test.each([
    ['on', 'for=192.0.2.7;by=_edgehop-1a2b;proto=http'],
    ['pseudonym', 'for=_x9;by=_edgehop-1a2b;proto=http'],
  ] as const)('%s', (forwarded, element) => {
    const fields = passedOnFields([['Forwarded', 'for=unknown']], passing, hop({ forwarded }));
    expect(fields.slice(0, 1)).toEqual([['Forwarded', 'for=unknown']]);
    expect(fields.at(-1)).toEqual(['Forwarded', element]);
  });

  test('without Via nothing names this hop', () => {
    const fields = passedOnFields([], passing, hop({ via: 'off', forwarded: 'on' }));
    expect(fields).toEqual([['Forwarded', 'for=192.0.2.7;proto=http']]);
  });

  test.each([
    ['off', 'for=192.0.2.7'],
    ['on', 'for=192.0.2.7'],
    ['pseudonym', 'for=_x9'],
  ] as const)(
    'D03, D08: on a reverse route always, and in the place of what the client claims (%s)',
    (forwarded, who) => {
      const claimed = [
        ['forwarded', 'for=127.0.0.1'],
        ['X-Forwarded-For', '127.0.0.1'],
        ['X-Forwarded-Proto', 'https'],
        ['x-forwarded-client-cert', 'Subject="admin"'],
        ['X-Forward', 'kept'],
        ['Cookie', 'a=1'],
      ] as const;
      const fields = passedOnFields(claimed, { ...passing, reverseHost: 'app.localhost:8080' }, hop({ forwarded }));
      expect(fields).toEqual([
        ['X-Forward', 'kept'],
        ['Cookie', 'a=1'],
        ['Via', '1.1 edgehop-1a2b'],
        ['Forwarded', `${who};by=_edgehop-1a2b;host="app.localhost:8080";proto=http`],
      ]);
    },
  );
});
