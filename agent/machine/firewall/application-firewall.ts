// Reads the application firewall of macOS from what `socketfilterfw` prints: it judges programs, not ports.
import type { Fate } from './packet-filter.ts';

export interface ApplicationFirewall {
  /** `socketfilterfw --getglobalstate`, `--getblockall`, `--getappblocked NODE`. */
  readonly state: string;
  readonly blockAll: string;
  readonly program: string;
}

/** Whether it is on; nothing where the text does not say. */
export function applicationFirewallOn(state: string): boolean | undefined {
  const found = /State = (\d)/.exec(state)?.[1];
  return found === undefined ? undefined : found !== '0';
}

export function applicationFate({ state, blockAll, program }: ApplicationFirewall): Fate {
  const isOn = applicationFirewallOn(state);
  if (isOn === undefined)
    return { accept: false, drop: false, unread: [], blind: ['its state was not read'], deciding: [] };
  if (!isOn) return { accept: true, drop: false, unread: [], blind: [], deciding: [state.trim()] };
  if (/State = 2/.test(state) || /block all .*(?:enabled|on)\b|all .*blocked/i.test(blockAll))
    return { accept: false, drop: true, unread: [], blind: [], deciding: [blockAll.trim() || state.trim()] };
  if (/\bpermitted\b/i.test(program))
    return { accept: true, drop: false, unread: [], blind: [], deciding: [program.trim()] };
  if (/\bblocked\b/i.test(program) && !/not part of the firewall/i.test(program))
    return { accept: false, drop: true, unread: [], blind: [], deciding: [program.trim()] };
  // Neither listed: macOS asks at the screen, or lets signed programs in, by settings that it does not tell.
  return {
    accept: false,
    drop: false,
    unread: [],
    blind: [`it knows nothing of this Node yet (${program.trim()})`],
    deciding: [],
  };
}
