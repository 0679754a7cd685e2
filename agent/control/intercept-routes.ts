// Interception on the control port: the hosts that are passed through, and intercepting them again.
import { Hono } from 'hono';
import type { z } from 'zod';
import type { Config } from '../../schemas/config.ts';
import { type InterceptionState, type retried, retryRequest } from '../../schemas/intercept-admin.ts';
import { isoMicroseconds } from '../clock.ts';
import type { PassedThrough } from '../trust/passed-through.ts';

export interface InterceptRoutesPorts {
  /** As it is in force. */
  readonly section: () => Config['intercept'];
  readonly passedThrough: Pick<PassedThrough, 'list' | 'forget'>;
}

/** The routes below `/v1/intercept`. */
export function createInterceptRoutes({ section, passedThrough }: InterceptRoutesPorts): Hono {
  return new Hono()
    .get('/', (c) => {
      const passed = passedThrough.list().map((each) => ({ ...each, until: isoMicroseconds(each.until) }));
      return c.json({ ...section(), passed } satisfies InterceptionState, 200, { 'cache-control': 'no-store' });
    })
    .post('/retry', async (c) => {
      const asked = retryRequest.safeParse(await c.req.json().catch(() => undefined));
      if (!asked.success) return c.json({ detail: 'It takes { "host": NAME }, or {} for all.' }, 400);
      const hosts = passedThrough.forget(asked.data.host?.toLowerCase());
      return c.json({ hosts } satisfies z.infer<typeof retried>);
    });
}
