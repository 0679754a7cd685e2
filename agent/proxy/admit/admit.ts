// Whether one may ask at all: a client that is let in, with a request that has not come through here before.
import { ProxyError } from '../../../http/proxy-error.ts';
import { hasPassed } from '../../../http/via.ts';
import type { Admission, Admit, Asker } from '../ports.ts';

export interface AdmitPorts {
  /** How this agent names itself in `Via`. */
  readonly pseudonym: string;
  /** Judges who the client is. Without it every client is let in. */
  readonly client?: Admit | undefined;
}

/** Admits who asks, or says why not. A stranger learns no more than that. */
export function createAdmit({ pseudonym, client }: AdmitPorts): Admit {
  const unlessLoop = ({ fields }: Asker): Admission => (hasPassed(fields, pseudonym) ? loop : admitted);
  if (client === undefined) return unlessLoop;
  const goOn = (asker: Asker, admission: Admission) => (admission.kind === 'refused' ? admission : unlessLoop(asker));
  return (asker) => {
    const admission = client(asker);
    return admission instanceof Promise ? admission.then((later) => goOn(asker, later)) : goOn(asker, admission);
  };
}

const admitted: Admission = { kind: 'admitted' };

const loop: Admission = {
  kind: 'refused',
  error: new ProxyError('proxy_loop_detected', 'The request has already come through this agent.', {
    advice: 'A proxy behind this agent uses this agent as its own proxy: exclude one from the other.',
  }),
};
