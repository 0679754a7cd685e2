// An origin and an agent for each way, and how a row of the table is carried by it: what client, origin and record saw.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineClock } from '../../../agent/clock.ts';
import { systemLookup } from '../../../agent/proxy/admit/resolver.ts';
import type { ExchangeRecord } from '../../../schemas/exchange.ts';
import { weekdays } from '../../../schemas/rule.ts';
import { configOf, startTestAgent, type TestAgent, type TestAgentOptions } from '../../support/agent.ts';
import { type Client, connectClient } from '../../support/client.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../../support/origin.ts';
import type { RuleInput as WrittenRule } from '../../support/rules.ts';
import { acceptOf } from '../../support/web-socket.ts';
import { lists } from './conditions.ts';
import type { Answer, Ask, ExpectedTunnel, Way } from './row.ts';

export interface Party extends AsyncDisposable {
  readonly way: Way;
  readonly agent: TestAgent;
  readonly origin: Origin;
  /** Puts rules in force. Whatever they do not answer is rewritten to the origin, whatever its host. */
  heed(rules: readonly WrittenRule[]): Promise<void>;
  /** Carries one request to its end. `isRecorded`: whether a record is to be waited for. */
  carry(ask: Ask, as: 'exchange' | 'upgrade', isRecorded: boolean): Promise<Seen>;
  /** Opens a tunnel and asks for `/through` in it. */
  tunnel(tunnel: Pick<ExpectedTunnel, 'to' | 'at' | 'record'>, by: 'connect' | 'socks5'): Promise<SeenTunnel>;
}

export interface Seen {
  /** Absent where not one octet came. */
  readonly response:
    | { readonly status: number; readonly fields: Fields; readonly content: string; readonly isWhole: boolean }
    | undefined;
  readonly requests: readonly {
    readonly method: string;
    readonly target: string;
    readonly fields: Fields;
    readonly content: string;
  }[];
  readonly record: ExchangeRecord | undefined;
}

export interface SeenTunnel {
  /** `refused`: in the words of SOCKS5. */
  readonly outcome: 'open' | 'reset' | 'refused' | number;
  /** The request in the tunnel as the origin got it, octet for octet. */
  readonly through: string | undefined;
  readonly record: ExchangeRecord | undefined;
}

/** By lower-case name; several lines of one name are one, joined as RFC 9110 5.2 says (docs/messages.md: fetch does so). */
type Fields = Readonly<Record<string, string>>;

/** The last rule of each configuration: names of the table lead to its origin, and no DNS is asked. */
export const toOrigin = 'to origin';
const marker = 'http://marker.test/';
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
/** Faults of the table that leave somebody waiting end after this. */
const idleTimeoutMs = 2_000;

export async function startParty(way: Way): Promise<Party> {
  const folder = makeFolder();
  const configPath = join(folder, 'edgehop.jsonc');
  let answer: Answer | undefined;
  const origin = await startOrigin((request, socket) => {
    for (const octets of answered(request, answer)) socket.write(octets);
  });
  const machine = machineClock();
  let shiftMs = 0;
  const options: TestAgentOptions = {
    edge: way === 'direct' ? 'none' : way === 'fetch' ? 'embedded' : 'embedded-socket',
    clock: { now: machine.now, wallTime: (instant) => machine.wallTime(instant) + shiftMs },
    limits: { idleTimeoutMs },
    lookup: async (host) => (host.endsWith('.test') ? ['127.0.0.1'] : systemLookup(host)),
    cache: { agent: { diskBytes: 0 }, edge: 'on' },
    configPath,
  };
  const agent = await startTestAgent(options);
  const setTime = (at: string | undefined) => {
    shiftMs = at === undefined ? 0 : shiftTo(at);
  };
  /** What a client has of a connection of its own, and what is recorded of it. */
  const overOneConnection = async <T>(isRecorded: boolean, use: (client: Client) => Promise<T>) => {
    const from = agent.records.length;
    using client = await connectClient(agent.port);
    const { localPort: port } = client.socket;
    const seen = await use(client);
    client.socket.destroy();
    return { seen, record: await recordOf(agent, { port, from, isRecorded }) };
  };
  return {
    way,
    agent,
    origin,
    heed: async (rules) => {
      const written = JSON.stringify([marking, ...rules, leading]).replaceAll('ORIGIN', `127.0.0.1:${origin.port}`);
      const config = configOf({ ...options, config: { rules: JSON.parse(written), lists: listFiles } });
      const reloaded = await agent.agent.reload(config, configPath);
      if (reloaded.kind === 'refused') throw new Error(reloaded.because);
    },
    carry: async (asked, as, isRecorded) => {
      const { url, method = 'GET', fields = [], content, at } = asked;
      answer = asked.answer;
      setTime(at);
      const isUpgrade = as === 'upgrade';
      const lines = [
        `${method} ${url} HTTP/1.1`,
        ...(fields.some((field) => /^host:/i.test(field)) ? [] : [`Host: ${new URL(url).host}`]),
        ...fields,
        ...(isUpgrade ? upgradeFields : ['Connection: close']),
        ...(content === undefined ? [] : [`Content-Length: ${content.length}`]),
      ];
      const before = origin.requests.length;
      const { seen, record } = await overOneConnection(isRecorded, (client) => {
        client.send(message(lines, content));
        return read(client, method, isUpgrade);
      });
      const requests = await Promise.all(origin.requests.slice(before).map((each) => seenBy(each, origin)));
      return { response: seen, requests, record };
    },
    tunnel: async ({ to: written, at, record: said }, by) => {
      setTime(at);
      const to = written.replace('ORIGIN', String(origin.port));
      const before = origin.requests.length;
      const { seen, record } = await overOneConnection(said !== null, async (client) => {
        const outcome = await (by === 'connect' ? connected(client, to) : socksConnected(client, to));
        if (outcome === 'open') {
          client.sendHead('GET /through HTTP/1.1', 'Host: inside', 'Connection: close');
          await client.response();
        }
        return outcome;
      });
      return { outcome: seen, through: origin.requests[before]?.octets, record };
    },
    [Symbol.asyncDispose]: async () => {
      await agent[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const marking: WrittenRule = {
  name: 'marker',
  when: { host: 'marker.test' },
  then: { respond: { status: 204 }, log: 'usual' },
};
const leading: WrittenRule = {
  name: toOrigin,
  when: { not: { host: '127.0.0.1' } },
  then: { rewrite: { to: 'http://ORIGIN{path}{query}' } },
};
const listFiles = Object.fromEntries(Object.keys(lists).map((name) => [name, { file: `${name}.txt` }]));
const upgradeFields = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${key}`,
  'Sec-WebSocket-Version: 13',
];

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-parity-'));
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site', 'page.html'), '<p>page</p>');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  for (const [name, text] of Object.entries(lists)) writeFileSync(join(folder, `${name}.txt`), text);
  return folder;
}

/** What the origin writes. A validator that it knows is confirmed. */
function answered(request: OriginRequest, answer: Answer = {}): readonly Buffer[] {
  const {
    status = 200,
    fields = { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' },
    content = 'hello',
    isChunked = false,
  } = answer;
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const dated = [`Date: ${new Date().toUTCString()}`, ...lines];
  if (request.values('upgrade').length > 0) {
    const accept = `Sec-WebSocket-Accept: ${acceptOf(request.values('sec-websocket-key')[0] ?? '')}`;
    return [
      message(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', accept, ...lines]),
    ];
  }
  const tag = fields['ETag'];
  if (tag !== undefined && request.values('if-none-match').includes(tag))
    return [message(['HTTP/1.1 304 Not Modified', ...dated])];
  const octets = Buffer.from(content);
  if (isChunked)
    return [
      Buffer.concat([
        message([`HTTP/1.1 ${status} X`, 'Transfer-Encoding: chunked', ...dated]),
        chunk(octets),
        chunk(),
      ]),
    ];
  const length = status === 204 ? [] : [`Content-Length: ${octets.length}`];
  return [message([`HTTP/1.1 ${status} X`, ...length, ...dated], request.method === 'HEAD' ? '' : octets)];
}

/** From now to this weekday and time of the week that it is, by the clock of this machine. */
function shiftTo(at: string): number {
  const [weekday = '', time = ''] = at.split(' ');
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const now = new Date();
  const days = weekdays.indexOf(weekday as (typeof weekdays)[number]) - now.getDay();
  return (
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hours, minutes).getTime() - now.getTime() + 500
  );
}

async function read(client: Client, method: string, isUpgrade: boolean): Promise<Seen['response']> {
  const response = await client.response(method).catch(() => undefined);
  if (response === undefined) return undefined;
  const { status, content, isComplete } = response;
  if (!isUpgrade) await client.ended;
  return { status, fields: joined(response.fields), content: content.toString('latin1'), isWhole: isComplete };
}

async function seenBy(
  { method, target, fields, content }: OriginRequest,
  { port }: Origin,
): Promise<Seen['requests'][number]> {
  const text = await content.then((octets) => octets.toString('latin1')).catch(() => '(cut)');
  const lines = fields.map(([name, value]) => [name, value.replaceAll(`127.0.0.1:${port}`, 'ORIGIN')] as const);
  return { method, target, fields: joined(lines), content: text };
}

function joined(lines: readonly (readonly [string, string])[]): Fields {
  const fields: Record<string, string> = {};
  for (const [name, value] of lines) {
    const known = fields[name.toLowerCase()];
    fields[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  return Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The record of what came from this port; where none is to come, what has come until all is over. */
async function recordOf(
  agent: TestAgent,
  {
    port,
    from,
    isRecorded,
  }: { readonly port: number | undefined; readonly from: number; readonly isRecorded: boolean },
): Promise<ExchangeRecord | undefined> {
  const isIt = (each: ExchangeRecord) => each.client.port === port && agent.records.indexOf(each) >= from;
  if (isRecorded) return agent.recordWhere(isIt);
  await agent.active(0);
  const url = `${marker}${from}`;
  {
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${url} HTTP/1.1`, 'Host: marker.test');
    await client.response();
    await agent.recordWhere((each) => each.request.url === url && agent.records.indexOf(each) >= from);
  }
  return agent.records.find(isIt);
}

async function connected(client: Client, to: string): Promise<'open' | 'reset' | number> {
  client.sendHead(`CONNECT ${to} HTTP/1.1`, `Host: ${to}`);
  const head = await client.octets.until('\r\n\r\n');
  if (head === undefined) return 'reset';
  const status = Number(head.toString('latin1').split(' ')[1]);
  return status === 200 ? 'open' : status;
}

/** RFC 1928. */
async function socksConnected(client: Client, to: string): Promise<'open' | 'reset' | 'refused'> {
  const { hostname, port } = new URL(`x://${to}`);
  const name = Buffer.from(hostname.replace(/^\[|\]$/g, ''), 'latin1');
  client.send(Buffer.of(5, 1, 0));
  await client.octets.exactly(2);
  const number = Buffer.of(Number(port) >> 8, Number(port) & 255);
  client.send(Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, number]));
  const reply = await client.octets.exactly(10);
  if (reply.length < 10) return 'reset';
  return reply[1] === 0 ? 'open' : 'refused';
}
