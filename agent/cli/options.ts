// Options that several verbs take, and how their values are read.
import { InvalidArgumentError } from 'commander';

export const portOfAgent = 'port of the agent on this machine (the lowest of those that run)';

/** For an option that may be given several times. */
export function several(one: string, others: readonly string[] = []): readonly string[] {
  return [...others, one];
}

export function port(text: string): number {
  return wholeNumber(0, 65535)(text);
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,9}$/.test(text) || number < min || number > max)
      throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
    return number;
  };
}
