// What stands in `pac.direct` and is no destination is told with its place.
import { expect, test } from 'vitest';
import { parseConfig } from '../../../agent/config/load.ts';
import { pacMistakes } from '../../../agent/config/pac-mistakes.ts';
import { config } from '../../../schemas/config.ts';

test.each([['*.corp.example'], ['wiki.corp.example:8443'], ['192.0.2.0/24'], ['[2001:db8::1]:80'], ['localhost']])(
  '%s is one',
  (text) => {
    expect(pacMistakes(config.parse({ pac: { direct: [text] } }))).toEqual([]);
  },
);

test.each(['', '*', 'http://wiki.corp.example/', 'a b', '10.0.0.1/8', '*.10.0.0.1', 'x";alert(1);"'])(
  '%j is none',
  (text) => {
    const [mistake, ...others] = pacMistakes(config.parse({ pac: { direct: ['ok.example', text] } }));
    expect(others).toEqual([]);
    expect(mistake).toMatchObject({
      path: ['pac', 'direct', 1],
      message: expect.stringMatching(/^this is no destination: ./),
    });
  },
);

test('the file says where', () => {
  expect(parseConfig('{ "pac": {\n "direct": ["http://x/"] } }', 'f')).toMatchObject({
    kind: 'wrong',
    mistakes: [{ line: 2, column: 13, message: expect.stringMatching(/^"pac\.direct\[0\]": this is no destination/) }],
  });
  expect(parseConfig('{ "pac": { "privateDestinations": "allow" } }', 'f').kind).toBe('wrong');
});
