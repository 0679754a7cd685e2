// Carries an admitted exchange to the origin and back, by the way that changes nothing of it.
import { withCdnLoop } from '../../http/via.ts';
import type { ErrorType } from '../../schemas/error.ts';
import { clock } from '../clock.ts';
import { chooseAgain, chooseUpstream } from '../dial/choose-upstream.ts';
import { networkOf } from '../dial/network.ts';
import type { ExchangeContext } from '../finish/reply.ts';
import type { Answer, Asked } from './answer.ts';
import { exchangeByFetch, type Fetched } from './fetch-exchange.ts';
import { exchangeBySocket } from './socket-exchange.ts';

/** Gives the origin's response, or the reason why there is none. The content is the agent's request's. */
export async function exchange(c: ExchangeContext, asked: Asked): Promise<Answer> {
  const envelope = c.get('envelope');
  const { host, path } = c.get('target');
  const sent = { ...envelope, method: asked.method, host, path, fields: withCdnLoop(asked.fields) };
  const upstream = chooseUpstream(sent, { fetchesAddresses: networkOf(c.env).isEmbedded });
  if (upstream.kind === 'refused') return { kind: 'failed', error: upstream.error, facts: { stages: {} } };
  if (upstream.kind === 'socket') return exchangeBySocket(c, asked, upstream);
  const begun = clock.now();
  const fetched = await exchangeByFetch(c, { ...asked, fields: upstream.fields });
  const otherwise = () => (fetched.kind === 'answered' ? fetched.answer : fetched.otherwise());
  const again = mayBeOfFetch(fetched) ? chooseAgain(sent) : undefined;
  if (again === undefined) return otherwise();
  const leftMs = Math.max(1, asked.headDeadlineMs - (clock.now() - begun));
  const answer = await exchangeBySocket(c, { ...asked, headDeadlineMs: leftMs }, again);
  if (isUnreached(answer)) return otherwise(); // not every platform connects to all that it fetches from
  if (fetched.kind === 'altered') fetched.discard();
  return answer;
}

/**
 * Whether it may be fetch that is at fault: the response is not as it came, or none came from a connection on which
 * fetch had left something, or that had been reset in the meantime, or of a form that only fetch does not take.
 */
function mayBeOfFetch(fetched: Fetched): boolean {
  if (fetched.kind === 'altered') return true;
  const { answer } = fetched;
  if (answer.kind === 'response' || answer.facts.stages['upstream-responded'] !== undefined) return false;
  return faultsOfFetch.has(answer.error.type);
}

/** The platform has one word for most: names that lead nowhere and ports that refuse are asked for again, too. */
const faultsOfFetch: ReadonlySet<ErrorType> = new Set<ErrorType>(['destination_unavailable', 'http_protocol_error']);

/** Whether no connection was made. */
function isUnreached({ kind, facts }: Answer): boolean {
  return kind === 'failed' && facts.upstream?.connectMs === undefined;
}
