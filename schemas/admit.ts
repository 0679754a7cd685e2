// Who may use the proxy, and where requests may go: a section of the configuration.
import * as z from 'zod';

export const admit = z
  .strictObject({
    clients: z
      .strictObject({
        allow: z
          .array(z.string())
          .readonly()
          .default([])
          .describe(
            'addresses and CIDR ranges of the only clients that are served (of this machine: 127.0.0.1 and ::1); empty: all, but for those of `deny`. An IPv4 address written as IPv6 counts as IPv4',
          ),
        deny: z
          .array(z.string())
          .readonly()
          .default([])
          .describe('those that are never served, although `allow` names them; they are closed unread'),
      })
      .prefault({})
      .describe('who may use the proxy'),
    credentials: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[^:\p{Cc}]{1,128}$/u, 'the name of a user has no colon')
            .describe('of the user'),
          hash: z
            .string()
            .regex(
              /^scrypt:\d+:\d+:\d+:[\w-]+:[\w-]+$/,
              'a hash is what `edgehop config credential NAME` prints: a password does not stand here in clear',
            )
            .describe('of the password, as `edgehop config credential NAME` makes it'),
        }),
      )
      .readonly()
      .default([])
      .describe(
        'of whom every client has to be one (Basic, or that of SOCKS5), but for `reverse` not those on loopback or in `clients.allow`; none: nobody is asked',
      ),
    destinations: z
      .strictObject({
        allow: z
          .array(z.string())
          .readonly()
          .default([])
          .describe('destinations allowed although private: an address, CIDR range or name, with or without a port'),
        allowPrivate: z.boolean().default(false).describe('allow every private destination'),
      })
      .prefault({})
      .describe('where requests may go'),
  })
  .prefault({})
  .describe('what is let in and where it may go');
