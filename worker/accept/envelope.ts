// Reads the request envelope from its numbered fields and validates it by the shared schema.
import type { MiddlewareHandler } from 'hono';
import { unpackEnvelope } from '../../http/envelope.ts';
import { requestEnvelope } from '../../schemas/relay.ts';
import type { Env } from '../env.ts';
import { problem } from '../finish/problem.ts';
import type { Walk } from '../walk.ts';

/** Puts the validated envelope into the walk; 400 with the reason when there is none or it is wrong. */
export const readEnvelope: MiddlewareHandler<{ Bindings: Env; Variables: Walk }> = async (c, next) => {
  const fields = c.req.raw.headers;
  const unpacked = unpackEnvelope((name) => fields.get(name));
  if (unpacked.kind === 'missing')
    return problem(400, 'The request has no envelope.', { advice: 'Use the edgehop agent.' });
  if (unpacked.kind === 'malformed') return problem(400, `The envelope is malformed: ${unpacked.because}.`);
  const envelope = requestEnvelope.safeParse(decoded(unpacked.text));
  if (!envelope.success) {
    const issue = envelope.error.issues[0];
    return problem(
      400,
      `The envelope is not of version 1: ${issue?.path.join('.') || 'envelope'}: ${issue?.message}.`,
      {
        advice: 'Agent and worker may be of different versions: update both.',
      },
    );
  }
  c.set('envelope', envelope.data);
  return next();
};

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decoded(base64url: string): unknown {
  try {
    return JSON.parse(decoder.decode(Uint8Array.fromBase64(base64url, { alphabet: 'base64url' })));
  } catch {
    return undefined;
  }
}
