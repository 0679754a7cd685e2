// What `edgehop doctor` finds, and the bundle that it writes for bug reports.
import * as z from 'zod';
import { configurationState, readiness } from './api.ts';
import { exchangeRecord } from './exchange.ts';
import { isoTime } from './stage.ts';

const name = z.string();
/** A fragment for people, without a full stop. */
const because = z.string();
/** What to do, as a sentence without its full stop. */
const action = z.string();

/** One question, one answer. `skip`: there was nothing to ask, or nobody can tell. */
export const finding = z.discriminatedUnion('outcome', [
  z.strictObject({ name, outcome: z.literal('pass'), because }),
  z.strictObject({ name, outcome: z.literal('fail'), because, action }),
  z.strictObject({ name, outcome: z.literal('skip'), because, action: action.optional() }),
]);

export type Finding = z.infer<typeof finding>;

/** What `edgehop doctor --json` prints. */
export const doctorReport = z.strictObject({ findings: z.array(finding).readonly() });

export type DoctorReport = z.infer<typeof doctorReport>;

/** An exchange or tunnel as a bundle tells it: of the URL neither userinfo nor query, and nobody's address. */
export const toldExchange = exchangeRecord.pick({
  id: true,
  kind: true,
  stages: true,
  roundTripMs: true,
  clockOffsetMs: true,
  clockErrorMs: true,
  request: true,
  response: true,
  route: true,
  upstream: true,
  cache: true,
  rules: true,
  transform: true,
  shape: true,
  octets: true,
  retries: true,
  error: true,
});

export type ToldExchange = z.infer<typeof toldExchange>;

const port = z.int();

/** What `edgehop doctor --bundle FILE` writes. It holds no secret that edgehop knows to be one, no MAC and no name of this machine. */
export const doctorBundle = z.strictObject({
  writtenAt: isoTime,
  edgehop: z.string(),
  node: z.string(),
  platform: z.string(),
  ...doctorReport.shape,
  configuration: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('right'),
      path: z.string().optional(),
      inEffect: z.record(z.string(), z.unknown()),
    }),
    z.strictObject({ kind: z.literal('wrong'), because: z.string() }),
  ]),
  /** Variables that edgehop reads, and those that name proxies and issuers. */
  environment: z.record(z.string(), z.string()),
  agents: z
    .array(
      z.strictObject({
        pid: z.int(),
        host: z.string(),
        port,
        controlPort: port,
        edgePid: z.int().optional(),
        readiness: readiness.optional(),
        configuration: configurationState.optional(),
        /** Those that ended last, newest first. */
        recent: z.array(toldExchange).readonly(),
        /** Why there is no more of it. */
        problem: z.string().optional(),
      }),
    )
    .readonly(),
});

export type DoctorBundle = z.infer<typeof doctorBundle>;
