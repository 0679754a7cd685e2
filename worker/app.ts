// The worker's walk: the order of the lines is the order of the phases.
import { Hono } from 'hono';
import { ProxyError } from '../http/proxy-error.ts';
import { authenticate } from './accept/authenticate.ts';
import { readEnvelope } from './accept/envelope.ts';
import { limitRate } from './accept/limit-rate.ts';
import { admit } from './admit/admit.ts';
import { cached } from './cache/cached.ts';
import { clock } from './clock.ts';
import type { Env } from './env.ts';
import { exchange } from './exchange/exchange.ts';
import { problem } from './finish/problem.ts';
import { failed } from './finish/reply.ts';
import { hello } from './hello.ts';
import { reverse } from './reverse/reverse.ts';
import { transformed } from './transform/transformed.ts';
import type { Walk } from './walk.ts';
import { whoami } from './whoami.ts';

export const app = new Hono<{ Bindings: Env; Variables: Walk }>()
  .use(async (c, next) => {
    c.set('receivedAt', clock.now());
    await next();
  })
  .use('/v1/*', authenticate)
  .get('/v1/hello', hello)
  .use('/v1/*', limitRate)
  .get('/v1/whoami', whoami)
  .use('/v1/exchange', readEnvelope)
  .use('/v1/exchange', admit)
  .post('/v1/exchange', cached(transformed(exchange)))
  .use(reverse)
  .notFound(() => problem(404, 'There is nothing here. This is the edge of a personal proxy.'))
  .onError((cause, c) => {
    console.error(cause);
    if (c.req.path !== '/v1/exchange') return problem(500, 'The edge failed.');
    return failed(c, new ProxyError('proxy_internal_error', 'The edge failed.', { cause }));
  });
