// Asks in the background whether what has just answered is still good. RFC 5861 3.
import type { CacheRequest } from '../../http/caching/stored.ts';
import { judgeStoring } from '../../http/caching/storing.ts';
import { judgeValidation, unconditionalFields, validationFields } from '../../http/caching/validation.ts';
import { clock } from '../clock.ts';
import type { AnsweredResponse } from '../exchange/answer.ts';
import { headOf } from './ask.ts';
import { flights } from './collapse.ts';
import { keeperOf, keepHeads, type Land } from './keep.ts';
import type { Entry } from './store.ts';
import type { Visit } from './visit.ts';

/** How long upstream has for its head when nobody waits: with the content's share, below what the platform allows. */
const maxBackgroundHeadMs = 10_000;

/** Asks whether an entry is still good that has just answered although it is stale. Never rejects. RFC 5861 3. */
export async function revalidate(visit: Visit, entry: Entry): Promise<void> {
  const { c, exchange, flight } = visit;
  const { fields, headDeadlineMs } = c.get('envelope');
  const requestTime = clock.now();
  if (flights.ahead(flight, requestTime) !== undefined) return;
  const land = flights.depart(flight, requestTime);
  const request: CacheRequest = { ...visit.request, method: 'GET', fields: unconditionalFields(visit.request.fields) };
  const asking = validationFields({ ...request, fields: unconditionalFields(fields) }, [entry]);
  const limits = { headDeadlineMs: Math.min(headDeadlineMs, maxBackgroundHeadMs) };
  try {
    const answer = await exchange(c, { method: 'GET', fields: asking, ...limits });
    if (answer.kind === 'failed' || !(await renew(visit, request, entry, answer, requestTime, land))) land('over');
  } catch {
    land('over'); // it stays stale, and the next one asks again
  }
}

/** Whether the answer is being kept, so that `land` is called later. */
async function renew(
  visit: Visit,
  request: CacheRequest,
  entry: Entry,
  answer: AnsweredResponse,
  requestTime: number,
  land: Land,
): Promise<boolean> {
  const head = headOf(answer, requestTime);
  const validation = judgeValidation(request, [entry], head);
  const storing = head.status >= 500 || validation.kind !== 'replaced' ? undefined : judgeStoring(request, head);
  if (validation.kind === 'freshened') await keepHeads(visit, validation.kept);
  const keeper = storing?.kind === 'store' ? keeperOf(visit, head, storing.head, answer.octets, land) : undefined;
  if (keeper === undefined) answer.discard();
  else await answer.drain(keeper);
  return keeper !== undefined;
}
