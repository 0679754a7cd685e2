// Reads what wrangler answers to programs: the records of its output file, who is logged in, which secrets there are.
import * as z from 'zod';

/** What a deployment came to. */
export interface DeployedWorker {
  readonly name: string | undefined;
  /** Origins at which the worker can be asked: domains of its own first, then workers.dev. */
  readonly origins: readonly string[];
}

const deployRecord = z.looseObject({
  type: z.literal('deploy'),
  worker_name: z.string().nullish(),
  targets: z.array(z.string()).nullish(),
});

/** The last deployment that an output file tells of: one JSON record a line (WRANGLER_OUTPUT_FILE_PATH). */
export function deployedWorker(records: string): DeployedWorker | undefined {
  const [latest] = records
    .split('\n')
    .map((line) => deployRecord.safeParse(parsed(line)))
    .filter(({ success }) => success)
    .map(({ data }) => data)
    .slice(-1);
  if (latest === undefined) return undefined;
  return { name: latest.worker_name ?? undefined, origins: originsOf(latest.targets ?? []) };
}

/** Targets are URLs, `host (custom domain …)`, and routes, schedules and queues, by which the whole worker is not reached. */
function originsOf(targets: readonly string[]): readonly string[] {
  const domains = targets.flatMap((target) => /^([^\s/*()]+) \(custom domain\b/.exec(target)?.[1] ?? []);
  const urls = targets.filter((target) => /^https?:\/\/\S+$/.test(target) && URL.canParse(target));
  return [...domains.map((domain) => `https://${domain}`), ...urls].map((url) => new URL(url).origin);
}

/** Whether `wrangler whoami --json` says that nobody is logged in. What it says otherwise depends on the kind of login. */
export function saysLoggedOut(text: string): boolean {
  const answer = z.looseObject({ loggedIn: z.boolean() }).safeParse(parsed(text));
  return answer.success && !answer.data.loggedIn;
}

/** The names of `wrangler secret list`; nothing where that is not what it printed. */
export function secretNames(text: string): readonly string[] | undefined {
  const list = z.array(z.looseObject({ name: z.string() })).safeParse(parsed(text));
  return list.success ? list.data.map(({ name }) => name) : undefined;
}

/** The name of the worker in a configuration of wrangler, TOML or JSON with comments. */
export function workerName(configuration: string): string | undefined {
  return /^[ \t]*(?:name|"name")[ \t]*[=:][ \t]*["']([^"'\n]+)["']/m.exec(configuration)?.[1];
}

/** Wrangler may print a remark before the JSON, so it begins at the first line that does. */
function parsed(text: string): unknown {
  const begin = /^[[{]/m.exec(text);
  if (begin === null) return undefined;
  try {
    return JSON.parse(text.slice(begin.index));
  } catch {
    return undefined;
  }
}
