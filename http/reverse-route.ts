// Which reverse route a request is for, which path its target is asked for, and where that one's redirects lead to.
import { hostCaptures } from './plan/host-pattern.ts';

/** What a route asks of a request. */
export interface RouteCondition {
  /** A name, an address, `*.name` for all names below it, or `*`. */
  readonly host: string;
  /** How the path begins, up to a slash. */
  readonly path: string;
}

/** The first route that fits. `host` is canonical, without port and root dot; `path` may have a query. */
export function reverseRouteOf<R extends RouteCondition>(
  routes: readonly R[],
  host: string,
  path: string,
): R | undefined {
  return routes.find(
    (route) => hostCaptures([route.host.toLowerCase()], host) !== undefined && isBelow(route.path, path),
  );
}

function isBelow(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith('/') || /^(?:$|[/?])/.test(path.slice(prefix.length));
}

/** Path and query as the target is asked for them. `*`, of OPTIONS, stays. */
export function strippedPath(route: RouteCondition & { readonly stripPath: boolean }, path: string): string {
  if (!route.stripPath || !isBelow(route.path, path)) return path;
  const rest = path.slice(withoutLastSlash(route.path).length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * A target's Location as the client needs it: one that names the target by its own origin leads to the origin that the
 * client asked, and a path that the target knows without its beginning gets that again. All else stays as it is.
 */
export function reverseLocation(
  location: string,
  { targetOrigin, clientOrigin, route }: ReverseHop & { readonly route: RouteCondition & { stripPath: boolean } },
): string {
  const prefix = route.stripPath ? withoutLastSlash(route.path) : '';
  if (/^\/(?![/\\])/.test(location)) return isBelow(prefix, location) ? location : prefix + location;
  if (!/^https?:\/\//i.test(location) || !URL.canParse(location)) return location;
  const url = new URL(location);
  const origin = `${url.protocol}//${url.host}`;
  if (origin !== targetOrigin || !url.href.startsWith(`${origin}/`)) return location; // nor with userinfo
  return clientOrigin + prefix + url.href.slice(origin.length);
}

export interface ReverseHop {
  /** Scheme, host and port of the target, as the WHATWG URL parser writes them. */
  readonly targetOrigin: string;
  /** Those by which the client asked. */
  readonly clientOrigin: string;
}

function withoutLastSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
