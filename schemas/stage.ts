// The stages of an exchange, in the order in which they happen, and the form of their times.
import * as z from 'zod';

/** Every stage, in the order of the walk. A stage that did not happen is absent from a record, never zero. */
export const stageNames = [
  'client-accepted',
  'request-received',
  'request-relayed',
  'edge-received',
  'upstream-requested',
  'upstream-responded',
  'edge-returned',
  'response-received',
  'response-sent',
] as const;

export type StageName = (typeof stageNames)[number];

/** The stages that only the edge sees. They are stamped by its clock. */
export const edgeStageNames = ['edge-received', 'upstream-requested', 'upstream-responded', 'edge-returned'] as const;

export type EdgeStageName = (typeof edgeStageNames)[number];

/** Times of the edge's stages by the edge's own clock, in milliseconds since 1970. */
export const edgeStages = z.strictObject({
  'edge-received': z.number(),
  'upstream-requested': z.number().optional(),
  'upstream-responded': z.number().optional(),
  'edge-returned': z.number(),
});

export type EdgeStages = z.infer<typeof edgeStages>;

/** A wall-clock time as ISO 8601 with microseconds, in UTC. */
export const isoTime = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);

/** Stage to wall-clock time by the agent's clock. */
export const stages = z.partialRecord(z.enum(stageNames), isoTime);
