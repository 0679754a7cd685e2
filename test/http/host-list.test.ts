// Lists of host names in the forms that people publish, and what is found in them.
import { describe, expect, test } from 'vitest';
import { type HostList, hostListReader } from '../../http/host-list.ts';

describe('a hosts file', () => {
  const list = read(`
# a comment
127.0.0.1 localhost localhost.localdomain
::1 ip6-localhost ip6-loopback
255.255.255.255 broadcasthost
0.0.0.0 0.0.0.0
0.0.0.0 Ads.Example
127.0.0.1\ttracker.example  www.tracker.example # why
:: six.example
10.0.0.7 nas.example
`);
  test.each(['ads.example', 'tracker.example', 'www.tracker.example', 'six.example'])('names %s', (host) => {
    expect(list.has(host)).toBe(true);
  });

  test.each(['localhost', 'ip6-localhost', 'broadcasthost', '0.0.0.0', 'nas.example', 'example'])(
    'does not name %s',
    (host) => {
      expect(list.has(host)).toBe(false);
    },
  );

  test('names hosts, and nothing below them', () => {
    expect(list.has('www.ads.example')).toBe(false);
  });

  test('says how much of it was understood: names that lead somewhere are no block list', () => {
    expect(list.counts).toEqual({ names: 4, exceptions: 0, notUnderstood: 1 });
  });
});

describe('a list of plain names', () => {
  const list = read('ads.example\n*.wild.example\n.dotted.example\nROOT.example.\n192.0.2.7\nmünchen.example\n');

  test.each([
    'ads.example',
    'www.ads.example',
    'a.b.ads.example',
    'wild.example',
    'x.dotted.example',
    'root.example',
    '192.0.2.7',
    'xn--mnchen-3ya.example',
  ])('has %s', (host) => {
    expect(list.has(host)).toBe(true);
  });

  test.each(['example', 'badads.example', 'ads.example.org', '1.192.0.2', '[::1]'])('does not have %s', (host) => {
    expect(list.has(host)).toBe(false);
  });

  test.each(['a b', '/path', 'a_b..c', '1.2.3', 'http://a.example/', 'a.example:80', 'x'.repeat(64)])(
    'does not understand %s',
    (line) => {
      const { names, notUnderstood } = read(`other.example\n${line}\n`).counts;
      expect({ names, notUnderstood }).toEqual({ names: 1, notUnderstood: 1 });
    },
  );
});

describe('a list of an ad blocker', () => {
  const list = read(`[Adblock Plus 2.0]
! Title: test
||ads.example^
@@||good.ads.example^
||third.example^$third-party
||ads.example/path^
||*.star.example^
/banner/*
##.ad
example.org##.ad
@@||never.example^`);

  test('has names and all below them, but for its exceptions and all below those', () => {
    expect(['ads.example', 'x.ads.example'].map(list.has)).toEqual([true, true]);
    expect(['good.ads.example', 'x.good.ads.example'].map(list.has)).toEqual([false, false]);
  });

  test('counts what is no rule on hosts, and holds none of it', () => {
    expect(list.counts).toEqual({ names: 1, exceptions: 2, notUnderstood: 5 });
    expect(['third.example', 'x.star.example', 'example.org'].map(list.has)).toEqual([false, false, false]);
  });
});

describe('pieces', () => {
  const text = '0.0.0.0 a.example\r\n||b.example^\r\nc.example # why\r\n@@||d.b.example^\r\nlast.example';

  test.each([1, 2, 3, 7, 1_000])('of %i characters make the same list', (length) => {
    const reader = hostListReader();
    for (let at = 0; at < text.length; at += length) reader.take(text.slice(at, at + length));
    const ended = reader.end();
    if (ended.kind === 'refused') throw new Error(ended.because);
    expect(ended.list.counts).toEqual({ names: 4, exceptions: 1, notUnderstood: 0 });
    const hosts = ['a.example', 'x.b.example', 'c.example', 'd.b.example', 'last.example'];
    expect(hosts.map(ended.list.has)).toEqual([true, true, true, false, true]);
  });

  test('of a line without end are not kept', () => {
    const reader = hostListReader();
    reader.take('a.example\n');
    for (let piece = 0; piece < 1_000; piece++) reader.take('x'.repeat(1_000));
    reader.take('.example\nb.example\n');
    expect(reader.end()).toMatchObject({ kind: 'read', list: { counts: { names: 2, notUnderstood: 1 } } });
  });
});

test('text without any name is no list', () => {
  const reader = hostListReader();
  reader.take('<!doctype html>\n<title>Log in to the network</title>\n');
  expect(reader.end()).toEqual({ kind: 'refused', because: 'no line of it names a host' });
});

test.each(['', '<p>'.repeat(4_000)])('a page is no list, whatever names seem to be in it', (rest) => {
  const reader = hostListReader();
  reader.take(`! {"url":"http://a.example/"}\n\n<!doctype html>${rest}\n<h1>Log in</h1>\nWelcome\nads.example\n`);
  expect(reader.end()).toEqual({ kind: 'refused', because: 'it is a page, and no list of hosts' });
});

test('an empty list is one, and has no host', () => {
  expect(read('# nothing yet\n').has('a.example')).toBe(false);
});

function read(text: string): HostList {
  const reader = hostListReader();
  reader.take(text);
  const ended = reader.end();
  if (ended.kind === 'refused') throw new Error(ended.because);
  return ended.list;
}
