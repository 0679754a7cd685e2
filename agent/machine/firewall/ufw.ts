// Reads what `ufw status verbose` prints, and ufw's own files where only root may ask it.

export interface UfwStatus {
  readonly state: 'active' | 'inactive';
  /** For what comes in: allow, deny or reject. */
  readonly incoming: string | undefined;
  readonly rules: readonly UfwRule[];
}

export interface UfwRule {
  /** `8000:8100/tcp`, `10.0.0.5 8080/tcp on eth0`, `Anywhere`. */
  readonly to: string;
  readonly action: string;
  readonly from: string;
  readonly comment: string | undefined;
  readonly raw: string;
}

/** Nothing where the text is not its status. */
export function ufwStatus(text: string): UfwStatus | undefined {
  const state = /^Status: (active|inactive)$/m.exec(text)?.[1];
  if (state !== 'active' && state !== 'inactive') return undefined;
  const rules = text.split('\n').flatMap((line) => {
    const found = /^(\S.*?)\s{2,}((?:ALLOW|DENY|REJECT|LIMIT)(?: (?:IN|OUT|FWD))?)\s{2,}(\S.*?)\s*(?:# (.*))?$/.exec(
      line,
    );
    if (found === null) return [];
    const [, to = '', action = '', from = '', comment] = found;
    return [{ to, action, from, comment, raw: line.trimEnd() }];
  });
  return { state, incoming: /^Default: (\w+) \(incoming\)/m.exec(text)?.[1], rules };
}

/** The rules for what comes in to a port by TCP. */
export function ufwRulesFor({ rules }: UfwStatus, port: number): readonly UfwRule[] {
  return rules.filter(({ to, action }) => !/ (?:OUT|FWD)$/.test(action) && isFor(to, port));
}

/** Those that edgehop has made: by its comment. */
export function ownUfwRules(status: UfwStatus, port: number, comment: string): readonly UfwRule[] {
  return ufwRulesFor(status, port).filter((rule) => rule.comment === comment && rule.to.startsWith(`${port}/tcp`));
}

/** ENABLED of /etc/ufw/ufw.conf, which everybody may read: whether ufw is started with the machine. */
export function ufwEnabled(text: string): boolean | undefined {
  const found = /^\s*ENABLED=["']?(yes|no)\b/im.exec(text)?.[1]?.toLowerCase();
  return found === undefined ? undefined : found === 'yes';
}

function isFor(to: string, port: number): boolean {
  const written = to.replace(/ \(.*\)/, '').replace(/ on \S+$/, '');
  const last = written.split(' ').at(-1) ?? '';
  const found = /^([\d:,]+)(?:\/(tcp|udp))?$/.exec(last);
  if (found === null || found[2] === 'udp') return false;
  return (found[1] ?? '').split(',').some((each) => {
    const [from = '', until = from] = each.split(':');
    return Number(from) <= port && port <= Number(until);
  });
}
