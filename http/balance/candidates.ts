// Which targets of a pool may be chosen: those that are up and have not been tried, and the reserve when there are none.

/** A target as a choice sees it. */
export interface Target {
  /** The same for the same target, always: a hash is made of it. */
  readonly name: string;
  /** Its share beside the others; 0: the reserve. */
  readonly weight: number;
}

/** The targets among which is chosen, in their order. Those of weight 0 come only where no other is left. */
export function candidates<T extends Target & { readonly isUp: boolean }>(
  targets: readonly T[],
  tried: readonly string[],
): readonly T[] {
  const left = targets.filter(({ name, isUp }) => isUp && !tried.includes(name));
  const usual = left.filter(({ weight }) => weight > 0);
  return usual.length > 0 ? usual : left;
}

/** The weight as choices reckon with it: targets of the reserve are alike among themselves. */
export function shareOf({ weight }: Target): number {
  return weight > 0 ? weight : 1;
}
