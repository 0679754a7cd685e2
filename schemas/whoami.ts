// What `edgehop whoami` tells: what an origin sees of a request by each route.
import * as z from 'zod';
import { edgeWhoami } from './api.ts';
import { route } from './exchange.ts';
import { fields } from './relay.ts';

/** The ways by which a request can be sent on. `edge-fetch`, `edge-socket`: how the edge reaches the origin. */
export const whoamiRoutes = ['direct', 'edge-fetch', 'edge-socket'] as const;

export type WhoamiRoute = (typeof whoamiRoutes)[number];

/** Programs whose usual GET is sent. */
export const whoamiClients = ['browser', 'curl'] as const;

export type WhoamiClient = (typeof whoamiClients)[number];

/** Field lines that differ between what the client sent and what the origin received. */
export const fieldDifference = z.strictObject({
  added: fields,
  /** One for each name whose values differ. */
  changed: z.array(z.strictObject({ name: z.string(), from: z.array(z.string()), to: z.array(z.string()) })).readonly(),
  leftOut: fields,
  /** Whether names that both have come in the order in which the client sent them, and spelt as it did. */
  sameOrder: z.boolean(),
  sameSpelling: z.boolean(),
});

export type FieldDifference = z.infer<typeof fieldDifference>;

const seen = z.discriminatedUnion('kind', [
  /** By an origin of our own, on loopback: the address is one of this machine. */
  z.strictObject({
    kind: z.literal('received'),
    address: z.string(),
    httpVersion: z.string(),
    requestTarget: z.string(),
    fields,
    difference: fieldDifference,
  }),
  /** By the origin that was named: what it answered. Text is absent where the content is none, or too large. */
  z.strictObject({
    kind: z.literal('answered'),
    status: z.int(),
    type: z.string().optional(),
    text: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('nothing'), because: z.string() }),
]);

/** One request by one route. */
export const whoamiView = z.strictObject({
  route: z.enum(whoamiRoutes),
  /** Name of the edge; absent on the direct route. */
  edge: z.string().optional(),
  client: z.enum(whoamiClients),
  sent: fields,
  /** The route that was really taken; absent where nothing was forwarded. */
  taken: route.optional(),
  /** Names of the rules that had a part in it. */
  rules: z.array(z.string()).readonly().optional(),
  seen,
});

export type WhoamiView = z.infer<typeof whoamiView>;

/** A field that the documentation of Cloudflare says its platform adds to what a worker fetches. Nobody measured it here. */
const documentedField = z.strictObject({ name: z.string(), value: z.string(), when: z.string() });

export const whoamiReport = z.strictObject({
  /** Who was asked: an origin of our own, or the one that was named. */
  origin: z.strictObject({ kind: z.enum(['own', 'named']), url: z.string() }),
  privacy: z.strictObject({ via: z.string(), forwarded: z.string() }),
  views: z.array(whoamiView).readonly(),
  /** The deployed edge that is configured to be used; absent where none is. */
  deployed: z
    .strictObject({
      name: z.string(),
      /** What it said of who called it: the machine as the internet sees it by the direct route. */
      whoami: edgeWhoami.optional(),
      problem: z.string().optional(),
      documented: z.array(documentedField).readonly(),
    })
    .optional(),
});

export type WhoamiReport = z.infer<typeof whoamiReport>;
