// Stands in for undici where the suite asks for interim responses: `fetch.ts` does the sending.
import type { Collector } from './fetch.ts';

/** As much of undici's Agent as the suite uses. */
export class Agent {
  compose(collect: Collector['collect']): Collector {
    return { collect };
  }
}
