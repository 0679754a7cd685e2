// How a network is simulated: delays, rates and faults of one exchange or tunnel.
import * as z from 'zod';

/** Networks with a name. Their figures stand in `http/plan/shape-presets.ts`. */
export const shapePresets = ['edge', 'slow-3g', 'fast-3g', '4g', 'satellite', 'offline'] as const;

export type ShapePreset = (typeof shapePresets)[number];

const milliseconds = z.int().nonnegative().max(600_000);
const rate = z.int().positive().max(10_000_000_000);
const octets = z.int().nonnegative();
const probability = z.number().min(0).max(1);

const afterBytes = octets.default(0).describe('of the content of the response, or from the destination of a tunnel');
const ofFault = probability.default(1).describe('that it happens to a shaped exchange or tunnel');

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reset').describe('the connection is reset; behind no octet at all nobody is asked for anything'),
    afterBytes,
    probability: ofFault,
  }),
  z.strictObject({
    kind: z
      .literal('timeout')
      .describe(
        'nothing more is answered; the connection stays open until somebody gives up; behind no octet at all nobody is asked for anything',
      ),
    afterBytes,
    probability: ofFault,
  }),
  z.strictObject({
    kind: z
      .literal('truncate')
      .describe(
        'the content ends too early: the connection is broken off, or that of a tunnel ended, without its rest',
      ),
    afterBytes,
    probability: ofFault,
  }),
  z.strictObject({
    kind: z
      .literal('slow-close')
      .describe('the end of the content comes late, and its last octet with it where its length is known'),
    delayMs: milliseconds.default(5_000).describe('by which it is late'),
    probability: ofFault,
  }),
]);

export type Fault = z.infer<typeof fault>;

const settings = z.strictObject({
  preset: z.enum(shapePresets).optional().describe('a network with a name; what else is said here comes before it'),
  latencyMs: milliseconds
    .optional()
    .describe('added to the round trip: before a response, and half of it each way of a tunnel'),
  jitterMs: milliseconds.optional().describe('by which the latency varies at most, in both directions'),
  downBytesPerSecond: rate.optional().describe('towards the client, of each exchange or tunnel by itself'),
  upBytesPerSecond: rate.optional().describe('from the client'),
  burstBytes: octets.optional().describe('that pass at once after a pause, before the rate holds'),
  fault: fault.optional().describe('what goes wrong'),
  probability: probability.optional().describe('that an exchange is shaped at all; 1 when nothing is said'),
  seed: z.int().nonnegative().optional().describe('the same seed makes the same choices, exchange by exchange'),
});

/** A preset by its name, or settings. */
export const shape = z.union([z.enum(shapePresets), settings], {
  error: `it is one of ${shapePresets.join(', ')}, or a section`,
});

export type Shape = z.infer<typeof shape>;
export type ShapeSettings = z.infer<typeof settings>;

/** What a record says of how an exchange or tunnel was shaped. */
export const shapeOutcome = z.strictObject({
  rule: z.string(),
  preset: z.enum(shapePresets).optional(),
  latencyMs: z.number().nonnegative().optional(),
  fault: z.enum(['reset', 'timeout', 'truncate', 'slow-close']).optional(),
});

export type ShapeOutcome = z.infer<typeof shapeOutcome>;
