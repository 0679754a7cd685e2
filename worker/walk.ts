// What one request carries through the worker's walk from phase to phase.
import type { RequestEnvelope } from '../schemas/relay.ts';

export interface Walk {
  /** Name of the token that authenticated the request. */
  token: string;
  envelope: RequestEnvelope;
  /** When the request came, by the edge's clock, in milliseconds since 1970. */
  receivedAt: number;
}
