// What the control port says of interception: whose TLS is ended, and which hosts are passed through for a while.
import * as z from 'zod';
import { hostPattern } from './rule.ts';
import { isoTime } from './stage.ts';

export const interception = z.strictObject({
  hosts: z.array(hostPattern).readonly(),
  except: z.array(hostPattern).readonly(),
  passed: z
    .array(
      z.strictObject({
        host: z.string(),
        because: z.enum(['client-rejects-certificate', 'client-certificate-asked']),
        until: isoTime,
      }),
    )
    .readonly(),
});

export type InterceptionState = z.infer<typeof interception>;

/** Which hosts are to be intercepted again: one, or all. */
export const retryRequest = z.strictObject({ host: z.string().min(1).optional() });

export const retried = z.strictObject({ hosts: z.int().nonnegative() });
