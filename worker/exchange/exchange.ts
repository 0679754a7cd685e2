// Carries an admitted exchange to the origin and back, by the way that changes nothing of it.
import { withCdnLoop } from '../../http/via.ts';
import { chooseAgain, chooseUpstream } from '../dial/choose-upstream.ts';
import { networkOf } from '../dial/network.ts';
import { type ExchangeContext, failed } from '../finish/reply.ts';
import { exchangeByFetch } from './fetch-exchange.ts';
import { exchangeBySocket } from './socket-exchange.ts';

/** Answers with the origin's response or with the reason why there is none. */
export async function exchange(c: ExchangeContext): Promise<Response> {
  const envelope = c.get('envelope');
  const sent = { ...envelope, host: c.get('target').host, fields: withCdnLoop(envelope.fields) };
  const upstream = chooseUpstream(sent, { fetchesAddresses: networkOf(c.env).isEmbedded });
  if (upstream.kind === 'refused') return failed(c, upstream.error);
  if (upstream.kind === 'socket') return exchangeBySocket(c, upstream);
  const fetched = await exchangeByFetch(c, upstream.fields);
  if (fetched.kind === 'answered') return fetched.response;
  const again = chooseAgain(sent);
  if (again === undefined) return fetched.otherwise();
  fetched.discard();
  return exchangeBySocket(c, again);
}
