// The control port: readiness and PAC for anyone on this machine, everything else for who has the token. Never on the request path.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import {
  type ConfigurationState,
  maxOpenListed,
  type OpenExchanges,
  type Readiness,
  type RecentExchanges,
} from '../../schemas/api.ts';
import type { OwnPage } from '../proxy/apply/own-answer.ts';
import type { Clock, Trace } from '../proxy/ports.ts';
import { recordOf } from '../proxy/trace.ts';
import { type CacheRoutesPorts, createCacheRoutes } from './cache-routes.ts';
import { createInterceptRoutes, type InterceptRoutesPorts } from './intercept-routes.ts';
import type { Open } from './open.ts';
import type { Recent } from './recent.ts';
import { createRulesRoutes, type RulesRoutesPorts } from './rules-routes.ts';

export interface ControlPorts {
  readonly clock: Clock;
  readonly recent: Recent;
  readonly open: Open;
  readonly readiness: () => Readiness;
  readonly configuration: () => ConfigurationState;
  /** The PAC file, which browsers and systems fetch without a token. */
  readonly pac: () => OwnPage;
  readonly cache: Omit<CacheRoutesPorts, 'clock'>;
  readonly rules: Omit<RulesRoutesPorts, 'configuration'>;
  readonly intercept: InterceptRoutesPorts;
  readonly token: string;
}

/** The control port's server, not yet listening. */
export function createControl(ports: ControlPorts): Server {
  const server = createServer(getRequestListener(createControlApp(ports).fetch));
  server.maxConnections = 64;
  server.headersTimeout = 5_000;
  return server;
}

/** The control port's routes. Host and Origin are checked first, so that no other site's page gets any of them. */
export function createControlApp(ports: ControlPorts): Hono {
  const { clock, recent, open, readiness, configuration, pac, cache, rules, intercept, token } = ports;
  return new Hono()
    .use(async (c, next) => {
      // A name that leads here by DNS rebinding is not one of ours; a page of another site sends its Origin.
      if (!isOwnHost(c.req.header('host'))) return c.json({ detail: 'This host name is not served here.' }, 403);
      const origin = c.req.header('origin');
      if (origin !== undefined && !isOwnHost(origin.replace(/^http:\/\//, '')))
        return c.json({ detail: 'This origin may not ask.' }, 403);
      return next();
    })
    .get('/ready', (c) => {
      const state = readiness();
      return c.json(state, state.ready ? 200 : 503, { 'cache-control': 'no-store' });
    })
    .get('/proxy.pac', () => {
      const { status, fields, octets } = pac();
      return new Response(new Uint8Array(octets), { status, headers: fields.map(([name, value]) => [name, value]) });
    })
    .use(async (c, next) => {
      const presented = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1];
      if (presented === undefined || !isSame(presented, token)) {
        return c.json({ detail: 'The token is missing or wrong. It stands in the state folder.' }, 401);
      }
      return next();
    })
    .get('/v1/config', (c) => c.json(configuration(), 200, { 'cache-control': 'no-store' }))
    .get('/v1/exchanges/open', (c) => {
      const limit = limitOf(c.req.query('limit') ?? '100');
      if (limit === undefined) return c.json({ detail: `The limit is a number from 0 to ${maxOpenListed}.` }, 400);
      const exchanges = open.newest(limit).map((trace) => recordOf(trace, clock));
      return c.json({ count: open.count, exchanges } satisfies OpenExchanges, 200, { 'cache-control': 'no-store' });
    })
    .get('/v1/exchanges/recent', (c) => {
      const limit = limitOf(c.req.query('limit') ?? '100');
      if (limit === undefined) return c.json({ detail: `The limit is a number from 0 to ${maxOpenListed}.` }, 400);
      const exchanges = recent.newest(limit).map((trace) => recordOf(trace, clock));
      return c.json({ exchanges } satisfies RecentExchanges, 200, { 'cache-control': 'no-store' });
    })
    .get('/v1/exchanges/:id', (c) => {
      const id = c.req.param('id');
      const isIt = (candidate: Trace) => candidate.id === id;
      const trace = open.find(isIt) ?? recent.find(isIt);
      return trace === undefined
        ? c.json({ detail: 'No such exchange is remembered.' }, 404)
        : c.json(recordOf(trace, clock));
    })
    .get('/v1/exchanges', (c) => {
      const [address, port] = splitClient(c.req.query('client') ?? '');
      const trace = recent.find(({ connection }) => connection.port === port && connection.address === address);
      return trace === undefined
        ? c.json({ detail: 'No exchange of this client is remembered.' }, 404)
        : c.json(recordOf(trace, clock));
    })
    .route('/v1/cache', createCacheRoutes({ clock, ...cache }))
    .route('/v1/intercept', createInterceptRoutes(intercept))
    .route('/v1/rules', createRulesRoutes({ configuration, ...rules }))
    .notFound((c) => c.json({ detail: 'There is nothing here.' }, 404));
}

function isOwnHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host);
}

function isSame(presented: string, expected: string): boolean {
  const [a, b] = [Buffer.from(presented), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function limitOf(digits: string): number | undefined {
  return /^[0-9]{1,4}$/.test(digits) && Number(digits) <= maxOpenListed ? Number(digits) : undefined;
}

/** `address@port`: an IPv6 address has colons of its own. */
function splitClient(text: string): [address: string, port: number] {
  const at = text.lastIndexOf('@');
  return [text.slice(0, at), Number(text.slice(at + 1))];
}
