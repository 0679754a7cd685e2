// How verbs end: with a sentence on stderr and a status that a script can tell apart.

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  unavailable: 69,
  permission: 77,
  configuration: 78,
  interrupted: 130,
} as const;

export type ExitReason = keyof typeof exitCodes;

/** Ends a verb. The message says what happened, the advice what to do. */
export class Exit extends Error {
  readonly code: number;

  constructor(reason: ExitReason, message: string) {
    super(message);
    this.code = exitCodes[reason];
  }
}
