// What is measured: its names, and what the rounds need of a target that runs.
import type { LoadRequest } from './load.ts';
import type { Answer } from './probe.ts';

export const targetNames = [
  'origin',
  'edgehop-edge',
  'edgehop-direct',
  'edgehop-quiet',
  'worker-alone',
  'squid',
  'squid-log',
  'tinyproxy',
  'mitmproxy',
  'proxy-chain',
] as const;

export type TargetName = (typeof targetNames)[number];

/** What each target does besides forwarding: the conditions of the comparison. */
export const conditions: Readonly<Record<TargetName, string>> = {
  origin: 'node:http in one process, asked without a proxy',
  'edgehop-edge': 'agent and embedded edge with their defaults; JSON log to a file',
  'edgehop-direct': 'agent with --edge none and its defaults; JSON log to a file',
  'edgehop-quiet': 'agent with --edge none, --log quiet and --no-cache, as the peers have neither',
  'worker-alone': 'the embedded edge without the agent, asked with an envelope; no log',
  squid: 'cache deny all, no access log, otherwise its defaults',
  'squid-log': 'with its access log to a file and its cache in memory, which are its defaults',
  tinyproxy: 'no log, MaxClients 200; closes each connection unannounced, which wrk counts as a read error',
  mitmproxy: 'mitmdump -q with its default addons',
  'proxy-chain': 'a Server without options in one Node process; no log',
};

export interface Target extends AsyncDisposable {
  readonly name: TargetName;
  readonly version: string;
  readonly request: LoadRequest;
  readonly processId: number;
  /** It closes each connection after one exchange without saying so beforehand. RFC 9112 9.6 wants it said. */
  readonly closesUnannounced?: boolean;
  /** Waits until the log has this many new lines, or no longer grows, and answers how many it has. */
  readonly logged?: (lines: number) => Promise<number>;
}

export interface StartPorts {
  /** A folder for all that is written. */
  readonly folder: string;
  /** The port of the origin server. */
  readonly originPort: number;
  readonly signal: AbortSignal;
}

/** The origin's content. */
export const contentOctets = 1024;

/** The request for the origin's content by way of a proxy. RFC 9112 3.2.2: the target is absolute. */
export function proxied(port: number, originPort: number): LoadRequest {
  const authority = `127.0.0.1:${originPort}`;
  return { port, method: 'GET', target: `http://${authority}/`, fields: { Host: authority } };
}

export function isContent({ status, octets }: Answer): boolean {
  return status === 200 && octets === contentOctets;
}
