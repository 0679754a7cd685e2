// `edgehop whoami`: what an origin sees of a request by each route, measured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config, NamedEdge } from '../../schemas/config.ts';
import {
  type WhoamiReport,
  type WhoamiRoute,
  type WhoamiView,
  whoamiClients,
  whoamiRoutes,
} from '../../schemas/whoami.ts';
import { machineClock } from '../clock.ts';
import { configInEffect } from './config.ts';
import { Exit } from './exit.ts';
import { onAskedToEnd } from './signals.ts';
import { trustAsConfigured } from './trust-as-configured.ts';
import { urlOf } from './url-of.ts';
import { startWhoamiAgent, type WhoamiAgent, type WhoamiAgentOptions } from './whoami-agent.ts';
import { usualFields } from './whoami-clients.ts';
import { askDeployed } from './whoami-deployed.ts';
import { fieldDifference } from './whoami-difference.ts';
import { askThrough, startOrigin, type WhoamiOrigin } from './whoami-origin.ts';
import { whoamiInWords } from './whoami-words.ts';

export interface WhoamiOptions {
  readonly config?: string;
  /** URL of a service that answers with what it has received. */
  readonly origin?: string;
  readonly json?: boolean;
}

/** Sends the usual requests by each route, and prints what came of them: words, or one JSON object. */
export async function whoami(options: WhoamiOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const named = options.origin === undefined ? undefined : urlOf(options.origin);
  const { config, path } = configInEffect(options.config === undefined ? {} : { config: options.config }, env);
  trustAsConfigured(config, path, env);
  const clock = machineClock();
  const deployed = deployedEdge(config);
  const given = new AbortController();
  onAskedToEnd(() => given.abort());
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-whoami-'));
  try {
    await using own = named === undefined ? await startOrigin() : undefined; // ahead of agents, which dial nothing of ours
    const url = named ?? (own as WhoamiOrigin).url;
    const origin = { kind: named === undefined ? 'own' : 'named', url } as const;
    const edge = named === undefined ? undefined : deployed?.name; // no deployed edge reaches an origin of this machine
    const views: WhoamiView[] = [];
    const common = { config, configPath: path, origin, edge, clock, folder, environment: env, signal: given.signal };
    for (const route of whoamiRoutes) views.push(...(await viewsBy(route, common, own)));
    const report: WhoamiReport = {
      origin: { kind: origin.kind, url: url.href },
      privacy: config.privacy,
      views,
      ...(deployed !== undefined && { deployed: await askDeployed(deployed, config, env, clock) }),
    };
    const hasColour = process.stdout.isTTY === true && !env['NO_COLOR'];
    console.log(options.json === true ? JSON.stringify(report) : whoamiInWords(report, hasColour));
    if (views.every(({ seen }) => seen.kind === 'nothing')) throw new Exit('failed', 'no request reached the origin.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function deployedEdge({ edge }: Config): NamedEdge | undefined {
  return edge.edges.find(({ name, url }) => name === edge.use || url === edge.use);
}

type Common = Omit<WhoamiAgentOptions, 'route'> & { readonly signal: AbortSignal };

async function viewsBy(route: WhoamiRoute, common: Common, own: WhoamiOrigin | undefined): Promise<WhoamiView[]> {
  await using agent = await startWhoamiAgent({ ...common, route }).catch(explained);
  const edgeName = common.edge ?? 'embedded';
  const views: WhoamiView[] = [];
  for (const client of whoamiClients) {
    if (common.signal.aborted) throw new Exit('interrupted', 'interrupted before the last request.');
    const sent = usualFields(client, common.origin.url);
    views.push({
      route,
      ...(route !== 'direct' && { edge: edgeName }),
      client,
      sent,
      ...(await seenBy(agent, common, sent, own)),
    });
  }
  return views;
}

async function seenBy(
  agent: WhoamiAgent,
  { origin, signal }: Common,
  sent: WhoamiView['sent'],
  own: WhoamiOrigin | undefined,
): Promise<Pick<WhoamiView, 'taken' | 'rules' | 'seen'>> {
  const finished = agent.nextRecord();
  const asked = await askThrough(agent.port, origin.url, sent, signal);
  const record = await finished;
  const more = {
    ...(record.route !== undefined && { taken: record.route }),
    ...(record.rules !== undefined && { rules: record.rules }),
  };
  const received = own?.taken().at(-1);
  if (received !== undefined) {
    const difference = fieldDifference(sent, received.fields);
    return { ...more, seen: { kind: 'received', ...received, difference } };
  }
  if (own === undefined && asked.kind === 'answered' && record.error === undefined) {
    const { status, type, text } = asked;
    return { ...more, seen: { kind: 'answered', status, ...(type && { type }), ...(text && { text }) } };
  }
  return { ...more, seen: { kind: 'nothing', because: whyNothing(record, asked) } };
}

function whyNothing(
  { error, rules }: Awaited<ReturnType<WhoamiAgent['nextRecord']>>,
  asked: Awaited<ReturnType<typeof askThrough>>,
): string {
  if (error !== undefined) return error.message;
  if (asked.kind === 'failed') return asked.because;
  return rules === undefined
    ? `edgehop answered ${asked.status} itself`
    : `a rule answered it with ${asked.status}, or sent it elsewhere`;
}

function explained(cause: unknown): never {
  if (!(cause instanceof ProxyError)) throw cause;
  const advice = cause.advice === undefined ? '' : ` ${cause.advice}`;
  throw new Exit(cause.type === 'proxy_configuration_error' ? 'configuration' : 'failed', `${cause.message}${advice}`);
}
