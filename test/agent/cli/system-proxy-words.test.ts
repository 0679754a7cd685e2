// What `edgehop system-proxy` says, sentence by sentence.
import { expect, test } from 'vitest';
import {
  restoredInShort,
  restoredInWords,
  statusInWords,
  switchedOnInWords,
} from '../../../agent/cli/system-proxy-words.ts';
import type { Restored } from '../../../agent/machine/system-proxy/restore.ts';
import type { SystemProxyJournal, SystemProxyReport } from '../../../schemas/system-proxy.ts';

const way = { kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' } as const;
const setting = {
  desktop: 'gnome',
  place: '',
  name: 'mode',
  group: 'proxy',
  role: 'switch',
  previous: null,
  set: ["'auto'"],
} as const;
const empty: SystemProxyReport = { proxies: [], unread: [], journal: { kind: 'none' } };
const held = (more: object): SystemProxyReport['journal'] => ({
  kind: 'held',
  path: '/s/journal.json',
  way,
  agent: { pid: 1, port: 8080, isRunning: false },
  stage: 'set',
  settings: [{ ...setting, is: 'ours', now: "'auto'" }],
  ...more,
});

test('what stands, place by place, and what is kept', () => {
  const report: SystemProxyReport = {
    proxies: [
      { desktop: 'macos', place: 'Wi-Fi', kind: 'pac', to: way.url, agent: 'gone' },
      { desktop: 'macos', place: 'USB 10/100 LAN', kind: 'fixed', to: '127.0.0.1:8080', agent: 'gone' },
      { desktop: 'windows', place: '', kind: 'pac', to: way.url, agent: 'running' },
      { desktop: 'gnome', place: '', kind: 'fixed', to: 'h\u001b[31m:1' },
      { desktop: 'kde', place: '', kind: 'none' },
    ],
    unread: [{ desktop: 'kde', because: 'kreadconfig6 is broken' }],
    journal: held({}),
  };
  expect(statusInWords(report).split('\n')).toEqual([
    'Wi-Fi           PAC http://127.0.0.1:8081/proxy.pac of the agent on port 8080, which is not running: programs go directly',
    'USB 10/100 LAN  proxy 127.0.0.1:8080 of the agent on port 8080, which is not running: programs reach nothing: run `edgehop system-proxy off`',
    'Windows         PAC http://127.0.0.1:8081/proxy.pac, of edgehop, which is running',
    expect.stringMatching(/^GNOME {11}proxy h[^\u001b]*:1, not of edgehop$/),
    'KDE             no proxy',
    'KDE             does not say: kreadconfig6 is broken',
    'What stood before, kept in /s/journal.json:',
    '  GNOME mode  not set',
  ]);
});

test('what was changed by hand since is named', () => {
  const changed = { settings: [{ ...setting, previous: '', is: 'other', now: "'none'" }] };
  expect(statusInWords({ ...empty, journal: held(changed) })).toContain("Changed by hand since: GNOME mode, to 'none'");
  expect(statusInWords({ ...empty, journal: held({ ...changed, stage: 'over' }) })).toContain(
    '`edgehop system-proxy off --force`',
  );
});

test('an `on` that was cut short is told', () => {
  expect(statusInWords({ ...empty, journal: held({ stage: 'setting' }) })).toContain(
    'was cut short: run it again, or `off`',
  );
});

test('without a desktop, what to do instead', () => {
  expect(statusInWords(empty)).toMatch(/^No proxy settings .*edgehop env/);
});

test('after `on`, how it ends', () => {
  expect(switchedOnInWords(empty, way)).toContain('programs go directly');
  expect(switchedOnInWords(empty, { kind: 'fixed', host: '127.0.0.1', port: 8080 })).toContain(
    'It ends with the agent',
  );
});

const restored: Extract<Restored, { kind: 'restored' }> = {
  kind: 'restored',
  journal: {} as SystemProxyJournal,
  count: 1,
  left: [],
  gone: [],
  failures: [],
  notes: [],
};

test('after `off`, what was left and why', () => {
  expect(restoredInWords({ kind: 'nothing' }, empty)).toContain('There is nothing to restore.');
  expect(restoredInWords(restored, empty)).toContain('What stood before stands again.');
  const words = restoredInWords(
    {
      ...restored,
      left: [
        {
          setting: { ...setting, name: 'autoconfig-url', role: 'value' },
          is: 'other',
          now: "'http://u/'",
          verdict: 'leave',
        },
        { setting, is: 'ours', now: "'auto'", verdict: 'leave' },
      ],
      gone: [{ setting: { ...setting, desktop: 'macos', place: 'Wi-Fi' }, is: 'gone', verdict: 'nothing' }],
    },
    empty,
  );
  expect(words.split('\n').slice(0, 5)).toEqual([
    'What stood before stands again, but for this:',
    "GNOME autoconfig-url was changed since, and stays 'http://u/'.",
    "GNOME mode stays 'auto', for that is what puts it in use.",
    '`edgehop system-proxy off --force` puts back what stood before all the same.',
    'Wi-Fi is there no more.',
  ]);
});

test('what `start` says of it', () => {
  expect(restoredInShort(restored)).toContain('as it was before');
  expect(restoredInShort({ ...restored, failures: ['no'] })).toContain('could not be put back (no)');
});
