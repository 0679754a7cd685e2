// The operating system's proxy settings as edgehop journals them before it changes any, and as `system-proxy --json` prints them.
import * as z from 'zod';

/** Where an operating system keeps such settings: a Linux may have several desktops. */
export const desktopName = z.enum(['macos', 'windows', 'gnome', 'kde']);

export type DesktopName = z.infer<typeof desktopName>;

/** How programs are led to the agent: by a PAC URL, or by host and port. */
export const proxyWay = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pac'), url: z.string() }),
  z.strictObject({ kind: z.literal('fixed'), host: z.string(), port: z.int() }),
]);

export type ProxyWay = z.infer<typeof proxyWay>;

/** As its store writes it; null where the store has none. */
const settingValue = z.string().nullable();

const journalStage = z.enum(['setting', 'set', 'over']);

export const journalledSetting = z.strictObject({
  desktop: desktopName,
  /** The network service on macOS; empty elsewhere. */
  place: z.string(),
  name: z.string(),
  /** Settings of one place and group make one choice: a switch turns on what its values say. */
  group: z.string(),
  /** An `aside` is a setting whose change says nothing of the choice, such as a list of exceptions. */
  role: z.enum(['switch', 'value', 'aside']),
  /** What stood before edgehop. */
  previous: settingValue,
  /** What edgehop has set since, or was about to. */
  set: z.array(settingValue).readonly(),
});

export type JournalledSetting = z.infer<typeof journalledSetting>;

/** Written before the first setting is changed, and removed when the last is as it was. */
export const systemProxyJournal = z.strictObject({
  version: z.literal(1),
  way: proxyWay,
  agent: z.strictObject({ pid: z.int(), port: z.int() }),
  /** `setting` until all is set; `over` once it is switched off, and kept only for what somebody else had changed meanwhile. */
  stage: journalStage,
  settings: z.array(journalledSetting).readonly(),
  /** Files whose programs write them anew: their text comes back with its order and comments. Null for a file that was not there. */
  texts: z
    .array(z.strictObject({ desktop: desktopName, path: z.string(), previous: z.string().nullable() }))
    .readonly(),
});

export type SystemProxyJournal = z.infer<typeof systemProxyJournal>;

/** What programs of one desktop, or by one network service, are told now. */
export const proxyInUse = z.strictObject({
  desktop: desktopName,
  place: z.string(),
  kind: z.enum(['none', 'pac', 'fixed', 'other']),
  /** The PAC's URL, or `host:port`; of another kind what it is called. */
  to: z.string().optional(),
  /** Whether it leads to an agent of edgehop: `running`, or `gone`. Absent where it leads elsewhere. */
  agent: z.enum(['running', 'gone']).optional(),
});

export type ProxyInUse = z.infer<typeof proxyInUse>;

/** What `edgehop system-proxy on | off | status --json` prints. */
export const systemProxyReport = z.strictObject({
  proxies: z.array(proxyInUse).readonly(),
  /** Desktops that did not say what stands, with the reason. */
  unread: z.array(z.strictObject({ desktop: desktopName, because: z.string() })).readonly(),
  journal: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('unreadable'), path: z.string(), because: z.string() }),
    z.strictObject({
      kind: z.literal('held'),
      path: z.string(),
      way: proxyWay,
      agent: z.strictObject({ pid: z.int(), port: z.int(), isRunning: z.boolean() }),
      stage: journalStage,
      settings: z
        .array(
          journalledSetting.extend({ now: settingValue.optional(), is: z.enum(['previous', 'ours', 'other', 'gone']) }),
        )
        .readonly(),
    }),
  ]),
});

export type SystemProxyReport = z.infer<typeof systemProxyReport>;
