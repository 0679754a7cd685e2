// Describes the machine that the agent runs on, for its owner's eyes: this never leaves the machine (DESIGN 6).
import { hostname } from 'node:os';
import { machineFacts, thisHost } from './facts.ts';
import { type PhysicalCard, physicalCard } from './network-card.ts';

/** Never rejects. Takes some milliseconds on Linux, and at most about three seconds elsewhere. */
export async function describeMachine(): Promise<Machine> {
  return { hostname: hostname(), card: physicalCard(await machineFacts(thisHost)) };
}

/** As the operating system has it. */
export function machineName(): string {
  return hostname();
}

export type Machine = { hostname: string; card: PhysicalCard };
