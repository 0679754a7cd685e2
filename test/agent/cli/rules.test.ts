// `edgehop rules explain` and `rules test` as a person or a script runs them.
import { describe, expect, test } from 'vitest';
import { makeHome } from '../../support/command.ts';

const config = `{ // comments are fine
  "lists": { "ads": { "file": "ads.txt" }, "missing": { "file": "nothing.txt" } },
  "rules": [
    { "name": "ads", "when": { "list": ["ads", "missing"] }, "then": { "block": {} } },
    { "name": "night", "when": { "time": "22:00-06:00" }, "then": { "route": "direct" } },
    { "name": "curl", "when": { "method": "POST", "fields": { "user-agent": "curl/*" } }, "then": { "log": "off" } },
    { "name": "lost", "when": { "response": { "status": 404, "type": "text/*" } }, "then": { "respond": { "text": "x" } } },
    { "name": "circle", "when": { "host": "c.example", "not": { "query": { "x": true } } }, "then": { "redirect": { "to": "http://c.example/x{path}" , "status": 307 }}, "enabled": false }
  ]
}`;

describe('edgehop rules explain', () => {
  test('says which rules match, what happens and where', async () => {
    using home = makeHome();
    home.write('edgehop.jsonc', config);
    home.write('ads.txt', 'ads.example\n');
    const { code, stdout, stderr } = await home.run(['rules', 'explain', 'http://www.ads.example/', '--at', '12:00']);
    expect(code).toBe(0);
    expect(stderr).toContain('The list "missing" was not read');
    expect(stdout).toBe(
      [
        'GET http://www.ads.example/',
        '  rules  "ads" matches: the host is on the list "ads" or "missing".',
        '  rules  "lost" matches, but has no part in it (respond): it has no conditions on the request. It waits for the response, and asks that the status is 404 and the media type fits text/*.',
        '  agent  "ads" blocks it: the client gets status 403. Nobody is asked.',
        '',
      ].join('\n'),
    );
  });

  test('of an https URL says apart what the tunnel matches and what the URL would match', async () => {
    using home = makeHome();
    home.write('edgehop.jsonc', config);
    const args = [
      '--at',
      '23:00',
      '--method',
      'POST',
      '-H',
      'User-Agent: curl/8',
      '--status',
      '404',
      '--type',
      'text/html',
    ];
    const { stdout } = await home.run(['rules', 'explain', 'https://a.example/', ...args]);
    const [tunnel = '', exchange = ''] = stdout.split('Where the agent is asked for the URL itself');
    expect(tunnel).toContain('Tunnel to a.example:443');
    expect(tunnel).toContain('"night" matches: the time of day is 22:00-06:00.');
    expect(tunnel).toContain('"curl" and "lost" cannot match a tunnel, which shows host, port, client and time only.');
    expect(exchange).toContain('"curl" matches: the method is POST, and the field user-agent fits "curl/*".');
    expect(exchange).toContain('"lost" answers with status 200 and a text of its own.');
    expect(exchange).toContain('It is neither logged nor remembered, as "curl" says.');
  });

  test('--all says why the others do not match', async () => {
    using home = makeHome();
    home.write('edgehop.jsonc', config);
    const { stdout } = await home.run(['rules', 'explain', 'a.example:443', '--all', '--at', '12:00']);
    expect(stdout).toContain('"night" does not match: it asks that the time of day is 22:00-06:00.');
    expect(stdout).toContain('"curl" cannot match a tunnel: it has a condition on "method".');
    expect(stdout).toContain('"circle" is not enabled.');
  });

  test('--json prints one object, errors included', async () => {
    using home = makeHome();
    home.write('other.jsonc', config.replace(', "enabled": false', '').replace('"not"', '"scheme": "http", "not"'));
    const { code, stdout } = await home.run([
      'rules',
      'explain',
      'http://b.example/',
      '--json',
      '--config',
      'other.jsonc',
    ]);
    // The redirect makes ever longer paths, which is found when the file is read.
    expect(code).toBe(78);
    expect(stdout).toBe('');
    home.write('edgehop.jsonc', config);
    const told = await home.run(['rules', 'explain', 'http://b.example/', '--json', '--at', '12:00']);
    expect(JSON.parse(told.stdout)).toMatchObject({
      exchange: { asked: 'GET http://b.example/', plan: { rules: ['lost'] }, happens: [{ half: 'agent' }, {}] },
    });
  });

  test.each([
    [['a b'], 2],
    [['http://a.example/', '--at', '25:00'], 2],
    [['http://a.example/', '--field', 'nothing'], 2],
    [['http://a.example/', '--status', '99'], 2],
    [['http://a.example/', '--config', 'nothing.jsonc'], 78],
  ])('%j ends with %i', async (args, status) => {
    using home = makeHome();
    const { code, stdout } = await home.run(['rules', 'explain', ...args]);
    expect([code, stdout]).toEqual([status, '']);
  });
});

describe('edgehop rules test', () => {
  const right = '{ "request": { "url": "http://ads.example/" }, "expect": { "answer": "block" } }';
  const wrong = '{ "name": "n", "request": { "url": "http://b.example/" }, "expect": { "answer": "block" } }';

  test.each([
    [right, 0, 'ok 1 - GET http://ads.example/\n1..1\n'],
    [
      `${right}, ${wrong}`,
      1,
      'ok 1 - GET http://ads.example/\nnot ok 2 - n\n  # answer: expected "block", and it is nothing\n1..2\n',
    ],
  ])('prints a line for each case', async (cases, status, printed) => {
    using home = makeHome();
    home.write('edgehop.jsonc', config);
    home.write('ads.txt', 'ads.example\n');
    home.write('cases.jsonc', `[ // cases\n${cases}, ]`);
    const { code, stdout } = await home.run(['rules', 'test', 'cases.jsonc']);
    expect([code, stdout]).toEqual([status, printed]);
  });

  test('ends with 78 where the file is wrong, with line and column', async () => {
    using home = makeHome();
    const path = home.write('cases.jsonc', '[\n  { "request": { "url": 1 }, "expect": {} }\n]');
    const { code, stdout, stderr } = await home.run(['rules', 'test', 'cases.jsonc']);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toContain(`${path}:2:18: "[0].request.url": `);
  });

  test('ends with 78 where the configuration is wrong', async () => {
    using home = makeHome();
    home.write('edgehop.jsonc', '{ "rules": [{ "then": {} }] }');
    home.write('cases.jsonc', '[]');
    expect((await home.run(['rules', 'test', 'cases.jsonc'])).code).toBe(78);
  });
});
