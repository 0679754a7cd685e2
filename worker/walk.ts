// What one request carries through the worker's walk from phase to phase.
import type { AbsoluteTarget } from '../http/request-target.ts';
import type { RequestEnvelope } from '../schemas/relay.ts';

export interface Walk {
  /** Name of the token that authenticated the request. */
  token: string;
  envelope: RequestEnvelope;
  /** The envelope's URL, once it is admitted. */
  target: AbsoluteTarget;
  /** When the request came, by the edge's clock, in milliseconds since 1970. */
  receivedAt: number;
}
