// Where a request may go: judged by its name and by every address, for each place from which it would go out.
import { describe, expect, test } from 'vitest';
import { admitDestination, type DestinationPorts } from '../../../../agent/proxy/admit/destination.ts';
import type { Resolution } from '../../../../agent/proxy/ports.ts';
import { type DestinationException, parseException } from '../../../../http/destination.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { testTrace } from '../../../support/walk.ts';

const zone: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  'private.example': ['10.0.0.7'],
  'mixed.example': ['93.184.215.14', '::1'],
  'nas.home.arpa': ['192.168.1.5'],
  'two.home.arpa': ['192.168.1.5', '192.168.1.6'],
};

describe('a name is judged by every address that it resolves to', () => {
  test.each([
    ['public.example', 'embedded', 'admitted', '93.184.215.14'],
    ['private.example', 'embedded', 'destination_ip_prohibited', '10.0.0.7'],
    ['private.example', 'none', 'destination_ip_prohibited', '10.0.0.7'],
    ['mixed.example', 'embedded', 'destination_ip_prohibited', '93.184.215.14'],
    ['nowhere.example', 'embedded', 'dns_error', undefined],
    ['localhost', 'embedded', 'destination_ip_prohibited', undefined],
    ['localhost', 'deployed', 'destination_ip_prohibited', undefined],
    ['127.0.0.1', 'deployed', 'destination_ip_prohibited', undefined],
    ['[::ffff:127.0.0.1]', 'none', 'destination_ip_prohibited', undefined],
    ['93.184.215.14', 'embedded', 'admitted', '93.184.215.14'],
  ] as const)('%s by an edge that is %s: %s', async (host, edge, result, address) => {
    const trace = testTrace();
    const admission = await admitDestination(
      portsOf({ edge }),
      { host, port: 80, purpose: 'exchange', scheme: 'http' },
      trace,
    );
    expect(admission.kind === 'refused' ? admission.error.type : admission.kind).toBe(result);
    expect(trace.address).toBe(address);
  });

  test.each([
    { purpose: 'tunnel', port: 443 },
    { purpose: 'tunnel', port: 80 },
    { purpose: 'upgrade', port: 80 },
    { purpose: 'exchange', port: 80, scheme: 'http' },
  ] as const)('edgehop itself is no destination, whatever is allowed, and is not looked up: %j', async (way) => {
    const resolve = () => {
      throw new Error('asked');
    };
    const policy = () => ({ allowPrivate: true, exceptions: [parseException('*.internal') as DestinationException] });
    for (const edge of ['embedded', 'deployed', 'none'] as const) {
      const ports = { ...portsOf({ edge }), resolve, policy };
      expect(await admitDestination(ports, { host: 'edgehop.internal', ...way }, testTrace())).toMatchObject({
        kind: 'refused',
        error: { status: 403, message: expect.stringContaining('edgehop itself') },
      });
    }
  });

  test('what is refused says how to allow it, and is answered 403', async () => {
    const admission = await admitted({ host: 'private.example' });
    expect(admission).toMatchObject({
      error: { status: 403, advice: expect.stringMatching(/--allow-private.*admit\.destinations\.allow/) },
    });
  });

  test('a port of another protocol is refused, and its advice is not to allow everything private', async () => {
    const admission = await admitted({ host: 'public.example', port: 25 });
    expect(admission).toMatchObject({ kind: 'refused', error: { type: 'http_request_denied', status: 403 } });
    expect(admission).not.toMatchObject({ error: { advice: expect.stringContaining('--allow-private') } });
  });

  test('C03: an answer that has changed is judged anew, every time', async () => {
    const answers = [['93.184.215.14'], ['127.0.0.1']];
    const ports = portsOf({ resolve: async () => ({ kind: 'resolved', addresses: answers.shift() ?? [] }) });
    const ask = () =>
      admitDestination(ports, { host: 'rebind.example', port: 80, purpose: 'exchange', scheme: 'http' }, testTrace());
    expect((await ask()).kind).toBe('admitted');
    expect((await ask()).kind).toBe('refused');
  });
});

describe('a deployed edge looks names up itself', () => {
  test('so an exchange does not wait for a look-up; its address is noted when it comes', async () => {
    const trace = testTrace();
    const answer = Promise.withResolvers<Resolution>();
    const ports = portsOf({ edge: 'deployed', resolve: () => answer.promise });
    expect(
      await admitDestination(ports, { host: 'private.example', port: 80, purpose: 'exchange', scheme: 'http' }, trace),
    ).toEqual({
      kind: 'admitted',
      addresses: [],
      directOnly: false,
    });
    expect(trace).toMatchObject({ address: undefined, addressKnownBy: 'unknown' });
    answer.resolve({ kind: 'resolved', addresses: ['10.0.0.7'] });
    await new Promise(setImmediate);
    expect(trace).toMatchObject({ address: '10.0.0.7', addressKnownBy: 'agent-dns' });
  });

  test('but a tunnel is dialled from here, so it is looked up here', async () => {
    const ports = portsOf({ edge: 'deployed' });
    const destination = { host: 'private.example', port: 443, purpose: 'tunnel' } as const;
    expect((await admitDestination(ports, destination, testTrace())).kind).toBe('refused');
  });

  test('and a private name that is allowed is looked up here, for only this machine reaches it', async () => {
    expect(await admitted({ host: 'nas.home.arpa', edge: 'deployed', allow: ['nas.home.arpa'] })).toMatchObject({
      kind: 'admitted',
      directOnly: true,
    });
    expect(await admitted({ host: 'public.example', edge: 'deployed', allowPrivate: true })).toMatchObject({
      kind: 'admitted',
      directOnly: false,
    });
  });
});

describe('a parent proxy', () => {
  const unasked = async (): Promise<Resolution> => {
    throw new Error('asked');
  };
  const parent = { name: 'http://proxy.example:3128', resolvesNames: true };

  test.each([
    ['embedded', { purpose: 'exchange', scheme: 'http' }],
    ['none', { purpose: 'exchange', scheme: 'https' }],
    ['none', { purpose: 'tunnel' }],
    ['deployed', { purpose: 'tunnel' }],
  ] as const)('that resolves names is left to it: nothing is looked up, by edge %s for %j', async (edge, way) => {
    const asked: unknown[] = [];
    const parentOf: DestinationPorts['parentOf'] = (target) => {
      asked.push(target);
      return parent;
    };
    const trace = testTrace();
    const ports = portsOf({ edge, resolve: unasked, parentOf });
    expect(await admitDestination(ports, { host: 'public.example', port: 80, ...way }, trace)).toEqual({
      kind: 'admitted',
      addresses: [],
      directOnly: false,
      parent: parent.name,
    });
    const scheme = way.purpose === 'tunnel' ? 'tunnel' : way.scheme;
    expect(asked).toEqual([{ scheme, host: 'public.example', port: 80 }]);
    expect(trace).toMatchObject({ address: undefined, addressKnownBy: 'unknown' });
  });

  test.each(['localhost', '127.0.0.1', '10.0.0.7', '[::ffff:7f00:1]', 'nas.home.arpa', 'wiki'])(
    'C01: does not lift what is refused by name or literal: %s',
    async (host) => {
      const ports = portsOf({ resolve: unasked, parentOf: () => parent });
      const destination = { host, port: 80, purpose: 'exchange', scheme: 'http' } as const;
      expect(await admitDestination(ports, destination, testTrace())).toMatchObject({
        kind: 'refused',
        error: { type: 'destination_ip_prohibited' },
      });
    },
  );

  test('is told for an address too, and may not be for what resolves to this machine', async () => {
    const parentOf: DestinationPorts['parentOf'] = ({ addresses = [] }) =>
      addresses.includes('192.168.1.5') ? undefined : { ...parent, resolvesNames: false };
    const ask = async (host: string) =>
      admitDestination(
        portsOf({ parentOf, policy: () => ({ allowPrivate: true, exceptions: [] }) }),
        { host, port: 80, purpose: 'tunnel' },
        testTrace(),
      );
    expect(await ask('93.184.215.14')).toMatchObject({ addresses: ['93.184.215.14'], parent: parent.name });
    expect(await ask('public.example')).toMatchObject({ addresses: zone['public.example'], parent: parent.name });
    expect(await ask('nas.home.arpa')).toMatchObject({ addresses: zone['nas.home.arpa'], parent: undefined });
  });

  test('is named for an exchange that is left to a deployed edge too, in case that cannot carry it', async () => {
    const ports = portsOf({ edge: 'deployed', resolve: unasked, parentOf: () => parent });
    const destination = { host: 'public.example', port: 80, purpose: 'exchange', scheme: 'http' } as const;
    expect(await admitDestination(ports, destination, testTrace())).toMatchObject({
      addresses: [],
      parent: parent.name,
    });
  });

  test('C03: that does not resolve names gets no answer that was not judged', async () => {
    const ports = portsOf({ parentOf: () => ({ ...parent, resolvesNames: false }) });
    expect(
      (await admitDestination(ports, { host: 'mixed.example', port: 443, purpose: 'tunnel' }, testTrace())).kind,
    ).toBe('refused');
  });
});

describe('a private destination that is allowed goes by the edge only where the edge may dial it', () => {
  test.each([
    ['a range, which the network policy can name', 'embedded', ['192.168.1.0/24'], false, false],
    ['a name, which it cannot', 'embedded', ['nas.home.arpa'], false, true],
    ['a name and its address', 'embedded', ['nas.home.arpa', '192.168.1.5'], false, false],
    ['everything private', 'embedded', [], true, false],
    ['a range, but the edge is elsewhere', 'deployed', ['192.168.1.0/24', 'nas.home.arpa'], false, true],
    ['everything private, but the edge is elsewhere', 'deployed', [], true, true],
  ] as const)('%s', async (_, edge, allow, allowPrivate, directOnly) => {
    expect(
      await admitted({
        host: 'nas.home.arpa',
        edge,
        allow: ['nas.home.arpa:81', '*.home.arpa:80', ...allow],
        allowPrivate,
      }),
    ).toMatchObject({
      kind: 'admitted',
      directOnly,
    });
  });

  test('each address counts', async () => {
    const allow = ['two.home.arpa', '192.168.1.5'];
    expect(await admitted({ host: 'two.home.arpa', allow })).toMatchObject({ kind: 'admitted', directOnly: true });
  });

  test('an exception for another port is none', async () => {
    expect((await admitted({ host: 'nas.home.arpa', allow: ['nas.home.arpa:81'] })).kind).toBe('refused');
    expect((await admitted({ host: '192.168.1.5', allow: ['192.168.1.5:81'] })).kind).toBe('refused');
  });
});

test('an upgrade is kept from the ports that an exchange is kept from, and is never left to a deployed edge', async () => {
  const ports = portsOf({ edge: 'deployed' });
  const admit = (port: number) =>
    admitDestination(ports, { host: 'public.example', port, purpose: 'upgrade' }, testTrace());
  expect(await admit(22)).toMatchObject({ kind: 'refused', error: { type: 'http_request_denied' } });
  expect(await admit(80)).toMatchObject({ kind: 'admitted', addresses: expect.arrayContaining(['93.184.215.14']) });
});

describe('ourselves', () => {
  test.each(['127.0.0.1', '[::1]', '[::ffff:7f00:1]', 'own.example'])(
    'C05, G05: %s at a port of ours is refused, whatever is allowed',
    async (host) => {
      const ports = portsOf({
        policy: () => ({ allowPrivate: true, exceptions: [] }),
        resolve: async () => ({ kind: 'resolved', addresses: ['93.184.215.14', '127.0.0.1'] }),
        isOwn: (address, port) => ['127.0.0.1', '::1'].includes(address) && port === 8080,
      });
      for (const way of [
        { purpose: 'exchange', scheme: 'http' },
        { purpose: 'tunnel' },
        { purpose: 'upgrade' },
      ] as const) {
        const admission = await admitDestination(ports, { host, port: 8080, ...way }, testTrace());
        expect(admission).toMatchObject({ kind: 'refused', error: { type: 'destination_ip_prohibited', status: 403 } });
        expect((await admitDestination(ports, { host, port: 8088, ...way }, testTrace())).kind).toBe('admitted');
      }
    },
  );
});

interface Asked {
  readonly host: string;
  readonly port?: number;
  readonly edge?: DestinationPorts['edge'];
  readonly allow?: readonly string[];
  readonly allowPrivate?: boolean;
}

function admitted({ host, port = 80, edge = 'embedded', allow = [], allowPrivate = false }: Asked) {
  const exceptions = allow.map((text) => parseException(text) as DestinationException);
  const ports = portsOf({ edge, policy: () => ({ allowPrivate, exceptions }) });
  return admitDestination(ports, { host, port, purpose: 'exchange', scheme: 'http' }, testTrace());
}

function portsOf(changed: Partial<DestinationPorts>): DestinationPorts {
  return {
    policy: () => ({ allowPrivate: false, exceptions: [] }),
    resolve: async (host): Promise<Resolution> => {
      const addresses = zone[host];
      return addresses === undefined
        ? { kind: 'failed', error: new ProxyError('dns_error', 'No such name.') }
        : { kind: 'resolved', addresses };
    },
    isOwn: () => false,
    edge: 'embedded',
    parentOf: () => undefined,
    ...changed,
  };
}
