// What `edgehop edge status --json` prints, and the note that an unfinished `edgehop edge deploy` leaves for the next.
import * as z from 'zod';
import { hello, readiness } from './api.ts';

/** What came of asking an edge for its hello. Times in milliseconds. */
export const edgeGreeting = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('answers'),
    hello,
    /** From nothing to the first answer: name, connection, TLS and one round trip. */
    firstAnswerMs: z.number(),
    /** On the connection that there is: the least of a few. */
    roundTripMs: z.number(),
    /** The edge's clock less this machine's, which it is within `clockErrorMs` of. */
    clockOffsetMs: z.number(),
    clockErrorMs: z.number(),
  }),
  z.strictObject({ kind: z.literal('unavailable'), because: z.string() }),
]);

export type EdgeGreeting = z.infer<typeof edgeGreeting>;

export const edgeStatus = z.strictObject({
  /** `edge.use` as it is in effect: embedded, none, or the name of one of these. */
  inUse: z.string(),
  edges: z.array(z.strictObject({ name: z.string(), url: z.string(), greeting: edgeGreeting })).readonly(),
  /** The agents that run on this machine, and what they say of the edge that each of them uses. */
  agents: z
    .array(z.strictObject({ port: z.int(), edge: z.union([readiness.shape.edge, z.literal('unknown')]) }))
    .readonly(),
});

export type EdgeStatus = z.infer<typeof edgeStatus>;

/** The token of a deployment that has not come to its end, so that the next one goes on with it. */
export const deployNote = z.strictObject({ token: z.string() });
