// What a packet filter would do with the first packet of a connection to one of our ports: rules walked with what is certain and what is not.

/** A new TCP connection from another machine to an address of this one; who it is from and by which card is open. */
export interface Packet {
  readonly family: 'ip' | 'ip6';
  readonly port: number;
  /** The address that the agent listens on; absent where it listens on all. */
  readonly address?: string;
}

/** Whether a condition holds: for all such packets, for none, for those that a condition of the rule singles out; or nobody knows. */
export type Holds = 'all' | 'none' | 'some' | 'unread';

export type Act =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'next' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** It decides in a way that we cannot judge. */
  | { readonly kind: 'unread'; readonly because: string };

export interface FilterRule {
  readonly holds: Holds;
  readonly act: Act;
  /** As the firewall prints it. */
  readonly raw: string;
}

/** What may become of the packet: more than one where it depends on what is open. */
export interface Fate {
  readonly accept: boolean;
  readonly drop: boolean;
  /** Conditions that were not understood: they make no difference where all ends alike. */
  readonly unread: readonly string[];
  /** Rules of which nobody knows what they do. */
  readonly blind: readonly string[];
  /** The rules and policies that may decide. */
  readonly deciding: readonly string[];
}

/** A chain that the system asks first, with those that its rules lead to. */
export interface BaseChain {
  readonly chain: string;
  readonly policy: 'accept' | 'drop';
  /** The policy, as the firewall prints it. */
  readonly rawPolicy: string;
  readonly rulesOf: (chain: string) => readonly FilterRule[];
}

export function fateIn({ chain, policy, rawPolicy, rulesOf }: BaseChain): Fate {
  const found = {
    accept: false,
    drop: false,
    unread: new Set<string>(),
    blind: new Set<string>(),
    deciding: new Set<string>(),
  };
  const decided = (verdict: 'accept' | 'drop', raw: string) => {
    found[verdict] = true;
    found.deciding.add(raw);
  };
  /** Whether the packet may come out at the chain's end. */
  const walked = (name: string, depth: number): boolean => {
    if (depth > maxDepth) {
      found.blind.add(`the chain ${name} leads to itself`);
      return false;
    }
    for (const { holds, act, raw } of rulesOf(name)) {
      if (holds === 'none' || act.kind === 'next') continue;
      const isFinal = holds === 'all';
      if (holds === 'unread') found.unread.add(`a condition that edgehop does not know: ${raw}`);
      if (act.kind === 'unread') found.blind.add(`${act.because}: ${raw}`);
      if (act.kind === 'accept' || act.kind === 'drop') decided(act.kind, raw);
      if (act.kind === 'return' && isFinal) return true;
      if (act.kind === 'goto') {
        const comesOut = walked(act.chain, depth + 1);
        if (isFinal) return comesOut;
      }
      const goesOn = act.kind === 'jump' ? walked(act.chain, depth + 1) : act.kind !== 'accept' && act.kind !== 'drop';
      if (isFinal && !goesOn) return false;
    }
    return true;
  };
  if (walked(chain, 0)) decided(policy, rawPolicy);
  const { accept, drop, unread, blind, deciding } = found;
  return { accept, drop, unread: [...unread], blind: [...blind], deciding: [...deciding] };
}

/** The kernel's own bound for jumps. */
const maxDepth = 16;

export type Verdict = 'open' | 'closed' | 'partly' | 'unknown';

export interface Judgement {
  readonly verdict: Verdict;
  /** What it is unknown for. */
  readonly because: readonly string[];
  readonly deciding: readonly string[];
}

/** A packet has to pass all base chains: one that certainly drops it is enough, one that cannot be judged leaves it open. */
export function judged(fates: readonly Fate[]): Judgement {
  const closing = fates.find(({ accept, drop, blind }) => drop && !accept && blind.length === 0);
  if (closing !== undefined) return { verdict: 'closed', because: [], deciding: closing.deciding };
  const deciding = [...new Set(fates.flatMap((fate) => fate.deciding))];
  const because = [...new Set(fates.flatMap(({ drop, unread, blind }) => [...blind, ...(drop ? unread : [])]))];
  if (because.length > 0) return { verdict: 'unknown', because, deciding };
  return { verdict: fates.some(({ drop }) => drop) ? 'partly' : 'open', because: [], deciding };
}

/** All of these together. */
export function allOf(conditions: readonly Holds[]): Holds {
  if (conditions.includes('none')) return 'none';
  if (conditions.includes('unread')) return 'unread';
  return conditions.includes('some') ? 'some' : 'all';
}

export function not(holds: Holds): Holds {
  return holds === 'all' ? 'none' : holds === 'none' ? 'all' : holds;
}

export function certain(holds: boolean): Holds {
  return holds ? 'all' : 'none';
}
