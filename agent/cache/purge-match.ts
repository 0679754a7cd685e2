// Which URLs a purge concerns.
import type { PurgeMatch } from './admin.ts';

/** Whether a canonical URL matches. What is made once here is compared with many. */
export function purgeMatcher(match: PurgeMatch): (url: string) => boolean {
  switch (match.kind) {
    case 'all':
      return () => true;
    case 'url':
      return (url) => url === match.url;
    case 'prefix':
      return (url) => url.startsWith(match.prefix);
    case 'host': {
      const host = match.host.toLowerCase();
      return (url) => {
        const authority = authorityOf(url);
        return authority === host || withoutPort(authority) === host;
      };
    }
  }
}

/** Host and port of a canonical URL, as they stand there. */
export function authorityOf(url: string): string {
  const start = url.indexOf('://') + 3;
  const end = url.slice(start).search(/[/?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

/** The host of an authority; itself where it has no port. */
export function withoutPort(authority: string): string {
  return authority.replace(/:\d+$/, '');
}
