// Asks a deployed edge what it sees of who calls it, and knows what its platform is documented to add to what it fetches.
import { type EdgeWhoami, edgeWhoami } from '../../schemas/api.ts';
import type { Config, NamedEdge } from '../../schemas/config.ts';
import type { WhoamiReport } from '../../schemas/whoami.ts';
import type { Clock } from '../clock.ts';
import { askEdge } from '../edge/deployed.ts';
import type { Edge } from '../edge/edge.ts';
import { edgeFromHere } from './edge-from-here.ts';

/**
 * By the documentation of Cloudflare (fundamentals/reference/http-headers, as of November 2026): what a request has that a
 * worker fetches. Only an origin outside could measure it. `{address}` stands for the caller's.
 */
const documented: readonly { readonly name: string; readonly value: string; readonly when: string }[] = [
  {
    name: 'CF-Connecting-IP',
    value: '{address}',
    when: 'fetch, to origins that are not behind Cloudflare; no worker can change it',
  },
  { name: 'X-Real-IP', value: '{address}', when: 'fetch, to origins that are not behind Cloudflare' },
  {
    name: 'CF-Connecting-IP',
    value: '2a06:98c0:3600::103',
    when: 'fetch, to origins behind Cloudflare: the same for all workers',
  },
  { name: 'X-Forwarded-For', value: '(as CF-Connecting-IP)', when: 'fetch' },
  { name: 'X-Forwarded-Proto', value: 'https', when: 'fetch' },
  { name: 'CF-Worker', value: '(the zone of the worker)', when: 'fetch' },
  { name: 'CDN-Loop', value: 'cloudflare', when: 'fetch' },
  { name: 'CF-EW-Via', value: '(for finding loops)', when: 'fetch' },
  { name: 'CF-Ray', value: '(a number and the data centre)', when: 'fetch' },
  { name: 'CF-Visitor', value: '{"scheme":"https"}', when: 'fetch' },
  { name: '(none)', value: '', when: 'socket: nothing is added; the address is one of Cloudflare' },
];

export type DeployedView = NonNullable<WhoamiReport['deployed']>;

const timeoutMs = 10_000;
const maxAnswerBytes = 256 * 1024;

/** Never rejects: what goes wrong is told in `problem`. */
export async function askDeployed(
  named: NamedEdge,
  config: Pick<Config, 'limits' | 'parents'>,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Promise<DeployedView> {
  const view = (answer: Pick<DeployedView, 'whoami' | 'problem'>): DeployedView => ({
    name: named.name,
    ...answer,
    documented: documented.map((field) => ({
      ...field,
      value: field.value.replace('{address}', answer.whoami?.address ?? '(the public address of this network)'),
    })),
  });
  try {
    await using edge = edgeFromHere(named, config, environment, clock);
    return view(await answerOf(edge));
  } catch (cause) {
    return view({ problem: cause instanceof Error ? cause.message : String(cause) });
  }
}

async function answerOf(edge: Edge): Promise<{ readonly whoami: EdgeWhoami } | { readonly problem: string }> {
  const answer = await askEdge(edge, '/v1/whoami', { timeoutMs, maxBytes: maxAnswerBytes });
  if (answer.kind === 'unavailable') return { problem: answer.because };
  const { status, json } = answer;
  if (status !== 200) return { problem: problems[status] ?? `The edge answered ${status}.` };
  const whoami = edgeWhoami.safeParse(json);
  return whoami.success ? { whoami: whoami.data } : { problem: 'What answers there is not an edgehop worker.' };
}

const problems: Readonly<Record<number, string>> = {
  401: 'The edge does not know the token.',
  404: 'The edge is of a version that has no /v1/whoami: deploy it anew.',
  429: 'The token has asked the edge too often.',
  503: 'The edge has no token configured.',
};
