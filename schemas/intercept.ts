// The sections of the configuration that say whose TLS is ended here, and which certificates of servers are trusted.
import * as z from 'zod';
import { hostPattern } from './rule.ts';

export const intercept = z
  .strictObject({
    hosts: z
      .array(hostPattern)
      .readonly()
      .default([])
      .describe(
        'whose TLS the agent ends, so that rules, cache and records see what is inside: names, addresses, *.name, or *; the client has to trust the local CA (`edgehop ca install`)',
      ),
    except: z
      .array(hostPattern)
      .readonly()
      .default([])
      .describe('of these hosts, those whose TLS is left alone: banks, say, and programs that pin their certificate'),
  })
  .prefault({})
  .describe('HTTPS that is looked into; none unless it is named');

export const trust = z
  .strictObject({
    authorities: z
      .array(z.string().min(1))
      .readonly()
      .default([])
      .describe(
        'files with certificates (PEM) of issuers that servers may have beside those that browsers trust, as of a company; for what the agent connects to itself, which is where an exchange goes whose certificate the edge does not know',
      ),
  })
  .prefault({})
  .describe('whose certificates of servers are believed');
