// Hosts whose clients do not take our certificates, or whose servers ask for the client's own: for a while they are not intercepted.
import type { Clock } from '../clock.ts';

export interface PassedHost {
  readonly host: string;
  readonly because: 'client-rejects-certificate' | 'client-certificate-asked';
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface PassedThrough {
  has(host: string): boolean;
  /** A client has broken off with an alert about our certificate. True where the host is passed through from now on. */
  rejected(host: string): boolean;
  /** A client has taken our certificate. */
  taken(host: string): void;
  /** Passes a host through at once. */
  add(host: string, because: PassedHost['because']): void;
  list(): readonly PassedHost[];
  /** Intercepts this host again, or all. Gives how many it were. */
  forget(host?: string): number;
}

/** One alert may be a person's who said no to a warning; two are a program's. */
const alertsUntilPassed = 2;
const maxHosts = 10_000;

export function createPassedThrough(clock: Clock, passThroughMs: number): PassedThrough {
  const alerts = new Map<string, number>();
  const passed = new Map<string, { readonly because: PassedHost['because']; readonly untilInstant: number }>();
  const bounded = (map: Map<string, unknown>) => {
    if (map.size > maxHosts) map.delete(map.keys().next().value as string);
  };
  const add = (host: string, because: PassedHost['because']) => {
    alerts.delete(host);
    passed.set(host, { because, untilInstant: clock.now() + passThroughMs });
    bounded(passed);
  };
  const has = (host: string) => {
    const known = passed.get(host);
    if (known !== undefined && clock.now() >= known.untilInstant) passed.delete(host);
    return passed.has(host);
  };
  return {
    has,
    add,
    rejected: (host) => {
      const count = (alerts.get(host) ?? 0) + 1;
      if (count >= alertsUntilPassed) {
        add(host, 'client-rejects-certificate');
        return true;
      }
      alerts.set(host, count);
      bounded(alerts);
      return false;
    },
    taken: (host) => void alerts.delete(host),
    list: () =>
      [...passed.keys()].filter(has).flatMap((host) => {
        const { because, untilInstant } = passed.get(host) as { because: PassedHost['because']; untilInstant: number };
        return [{ host, because, until: clock.wallTime(untilInstant) }];
      }),
    forget: (host) => {
      const hosts = host === undefined ? [...passed.keys()] : [host];
      if (host === undefined) alerts.clear();
      else alerts.delete(host);
      return hosts.filter((each) => passed.delete(each)).length;
    },
  };
}
